package alpha.beta // marks: definition.module alpha.beta

import kotlin.math.max // marks: import kotlin.math.max

const val LIMIT = 3 // marks: definition.variable LIMIT

open class Stack<T>(private val n: Int) : Base(n), Shape { // marks: definition.class Stack; reference.implementation Base; reference.implementation Shape
    private val items = mutableListOf<T>() // marks: definition.field items; reference.call mutableListOf
    fun push(item: T): Boolean { // marks: definition.method push
        helper(item) // marks: reference.call helper
        return items.add(item) // marks: reference.call add
    }
    companion object {
        fun make() = Stack<Int>(1) // marks: definition.method make; reference.call Stack
    }
}
interface Shape { // marks: definition.interface Shape
    fun area(): Double // marks: definition.method area
}
data class Point(val x: Int) // marks: definition.class Point
enum class Color { RED, GREEN } // marks: definition.enum Color; definition.variant RED; definition.variant GREEN
object Registry // marks: definition.class Registry
typealias Pair2 = Pair<Int, Int> // marks: definition.type Pair2
fun <T> helper(x: T): T = x // marks: definition.function helper
fun Stack<Int>.size() = 1 // marks: definition.function size

class StackTest { // marks: definition.class StackTest
    @Test
    fun pushes() { helper(1) } // marks: definition.method pushes; test pushes
}
