defmodule Alpha.Stack do # marks: definition.module Alpha.Stack
  use GenServer # marks: import GenServer
  alias Alpha.Base # marks: import Alpha.Base
  import Enum, only: [map: 2] # marks: import Enum
  require Logger # marks: import Logger

  @limit 3 # marks: definition.constant limit
  defstruct items: []

  def push(stack, item) do # marks: definition.function push
    helper(item) # marks: reference.call helper
    Base.run(stack) # marks: reference.call run
  end

  def empty?, do: true # marks: definition.function empty?
  def guarded(x) when x > 1, do: x # marks: definition.function guarded
  defp helper(x), do: x # marks: definition.function helper
  defmacro twice(x) do # marks: definition.macro twice
    x
  end
end

defprotocol Shape do # marks: definition.interface Shape
  def area(shape) # marks: definition.function area
end

defimpl Shape, for: Alpha.Stack do # marks: reference.implementation Shape
end

defmodule StackTest do # marks: definition.module StackTest
  describe "push" do # marks: test push
    test "adds" do # marks: test adds
      assert true
    end
  end
end
