package sample // marks: definition.module sample

import (
	"fmt" // marks: import fmt
	str "strings" // marks: import strings
)

const Limit = 3 // marks: definition.constant Limit

var (
	count int // marks: definition.variable count
)

type Stack[T any] struct { // marks: definition.struct Stack
	items []T // marks: definition.field items
	fmt.Stringer
}

type Shape interface { // marks: definition.interface Shape
	Area() float64 // marks: definition.method Area
}
type Name string // marks: definition.type Name
type Alias = Name // marks: definition.type Alias

func (s *Stack[T]) Push(item T) { // marks: definition.method Push
	local := append(s.items, item) // marks: reference.call append
	s.items = local
	fmt.Println(str.ToUpper("x")) // marks: reference.call Println; reference.call ToUpper
}

func Make() *Stack[int] { // marks: definition.function Make
	return &Stack[int]{}
}

func TestPush(t *testing.T) { // marks: definition.function TestPush; test TestPush
	Make().Push(1) // marks: reference.call Make; reference.call Push
	_ = Square{1} // marks: reference.type Square
}
