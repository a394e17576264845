import Foundation // marks: import Foundation

let limit = 3 // marks: definition.variable limit

class Stack<T>: Base, Shape { // marks: definition.class Stack; reference.implementation Base; reference.implementation Shape
    var items: [T] = [] // marks: definition.field items
    init(n: Int) { super.init() } // marks: definition.constructor init
    func push(_ item: T) { // marks: definition.method push
        let local = helper(item) // marks: reference.call helper
        items.append(local) // marks: reference.call append
    }
    static func make() -> Stack { Stack(n: 1) } // marks: definition.method make; reference.call Stack
}
struct Point { // marks: definition.struct Point
    let x: Int // marks: definition.field x
}
enum Color { // marks: definition.enum Color
    case red, green // marks: definition.variant red; definition.variant green
}
protocol Shape { // marks: definition.interface Shape
    func area() -> Double // marks: definition.method area
}
extension Point: Shape { // marks: container Point; reference.implementation Shape
    func area() -> Double { 0 } // marks: definition.method area
}
actor Bank {} // marks: definition.class Bank
typealias Pair = (Int, Int) // marks: definition.type Pair
func helper<T>(_ x: T) -> T { x } // marks: definition.function helper

class StackTests: XCTestCase { // marks: definition.class StackTests; reference.implementation XCTestCase
    func testPush() { helper(1) } // marks: definition.method testPush; test testPush
}
@Test func works() {} // marks: definition.function works; test works
