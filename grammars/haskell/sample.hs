module Alpha.Stack (push) where -- marks: definition.module Alpha.Stack

import qualified Data.Map as M -- marks: import Data.Map
import Data.List (sort) -- marks: import Data.List

data Shape = Round | Box { side :: Int } -- marks: definition.type Shape; definition.variant Round; definition.variant Box; definition.field side
newtype Stack a = Stack [a] -- marks: definition.type Stack; definition.variant Stack
type Pair = (Int, Int) -- marks: definition.type Pair

class Draw a where -- marks: definition.interface Draw
  draw :: a -> String

instance Draw Shape where -- marks: reference.implementation Draw
  draw Round = "o" -- marks: definition.function draw
  draw _ = show 1 -- marks: definition.function draw; reference.call show

push :: a -> Stack a -> Stack a
push x (Stack xs) = helper (Stack (x : xs)) -- marks: definition.function push; reference.call helper
helper s = s -- marks: definition.function helper
limit = 3 -- marks: definition.function limit
