module Alpha.Stack exposing (push) -- marks: definition.module Alpha.Stack

import Html.Events as E -- marks: import Html.Events


type Shape -- marks: definition.type Shape
    = Round -- marks: definition.variant Round
    | Box Int -- marks: definition.variant Box


type alias Point = -- marks: definition.type Point
    { x : Int } -- marks: definition.field x


port send : String -> Cmd msg -- marks: definition.function send


push : a -> List a -> List a
push item stack = -- marks: definition.function push
    helper (item :: stack) -- marks: reference.call helper


helper s = -- marks: definition.function helper
    List.map identity s -- marks: reference.call map


suite = -- marks: definition.function suite
    describe "a stack" -- marks: test a stack
        [ test "pushes" <| \_ -> Expect.pass -- marks: test pushes
        ]
