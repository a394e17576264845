package alpha.beta // marks: definition.module alpha.beta
import scala.collection.mutable // marks: import import scala.collection.mutable

class Stack[T](n: Int) extends Base(n) with Shape { // marks: definition.class Stack; reference.implementation Base; reference.implementation Shape
  val items = List(1) // marks: definition.field items; reference.call List
  var count = 0 // marks: definition.field count
  def push(item: T): Unit = { // marks: definition.method push
    helper(item) // marks: reference.call helper
    items.add(item) // marks: reference.call add
  }
  type Item = T // marks: definition.type Item
}
object Stack { // marks: definition.class Stack
  def make() = new Stack[Int](1) // marks: definition.method make; reference.call Stack
}
trait Shape { // marks: definition.trait Shape
  def area: Double // marks: definition.method area
}
case class Point(x: Int) // marks: definition.class Point
enum Color { // marks: definition.enum Color
  case Red, Green // marks: definition.variant Red; definition.variant Green
}
def helper[T](x: T): T = x // marks: definition.function helper
test("pushes") { helper(1) } // marks: test "pushes"; reference.call helper
