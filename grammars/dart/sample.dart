import 'dart:io'; // marks: import 'dart:io'
export 'alpha.dart'; // marks: import 'alpha.dart'

const limit = 3; // marks: definition.variable limit

abstract class Stack<T> extends Base with Mixin implements Shape { // marks: definition.class Stack; reference.implementation Base; reference.implementation Mixin; reference.implementation Shape
  final List<T> items = []; // marks: definition.field items
  Stack(this.n); // marks: definition.constructor Stack
  void push(T item) { // marks: definition.method push
    helper(item); // marks: reference.call helper
    items.add(item); // marks: reference.call add
  }
  int get size => 1; // marks: definition.method size
}
mixin Mixin {} // marks: definition.trait Mixin
enum Color { red, green } // marks: definition.enum Color; definition.variant red; definition.variant green
extension Extra on String {} // marks: definition.class Extra
typedef Handler = void Function(int); // marks: definition.type Handler
int helper(x) => x; // marks: definition.function helper

void main() { // marks: definition.function main
  group('a stack', () { // marks: test a stack
    test('pushes', () { helper(1); }); // marks: test pushes; reference.call helper
  });
}
