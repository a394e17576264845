module Alpha # marks: definition.module Alpha
using LinearAlgebra # marks: import LinearAlgebra
import Base: show # marks: import Base

const LIMIT = 3 # marks: definition.constant LIMIT
abstract type Shape end # marks: definition.type Shape
struct Stack{T} <: Shape # marks: definition.struct Stack; reference.implementation Shape
    items::Vector{T} # marks: definition.field items
end
mutable struct Point # marks: definition.struct Point
    x # marks: definition.field x
end
function push(s::Stack, item) # marks: definition.function push
    helper(item) # marks: reference.call helper
    Base.show(s) # marks: reference.call show
end
function Base.length(s::Stack)::Int # marks: definition.function length
    1
end
helper(x) = x # marks: definition.function helper
macro twice(e) # marks: definition.macro twice
    e
end
@testset "a stack" begin # marks: test a stack
    @test helper(1) == 1
end
end
