#include <vector> // marks: import <vector>
#include "alpha.h" // marks: import alpha.h
namespace a::b { // marks: definition.module a::b
class Forward;
}
namespace c { // marks: definition.module c
template <typename T> class Stack : public Base<T>, private Other, ns::Third { // marks: definition.class Stack; reference.implementation Base; reference.implementation Other; reference.implementation Third
 public:
  Stack(int n); // marks: definition.constructor Stack
  ~Stack(); // marks: definition.method ~Stack
  Stack() : x_(1) {} // marks: definition.constructor Stack
  virtual void push(T item) const override { items_.push_back(item); } // marks: definition.method push; reference.call push_back
  static int count; // marks: definition.field count
  T* get() const; // marks: definition.method get
  const T& top(); // marks: definition.method top
  bool operator==(const Stack& o) const { return true; } // marks: definition.method operator==
 private:
  std::vector<T> items_, *more_; // marks: definition.field items_; definition.field more_
};
struct Point { int x; }; // marks: definition.struct Point; definition.field x
enum class Color : int { Red, Green = 2 }; // marks: definition.enum Color; definition.variant Red; definition.variant Green
using Alias = std::vector<int>; // marks: definition.type Alias
typedef unsigned int word_t; // marks: definition.type word_t
template <typename T> concept Small = sizeof(T) < 4; // marks: definition.type Small
} // end
void Stack::push(int item) { // marks: definition.method push; container Stack
  helper<int>(item); // marks: reference.call helper
  ns::run(); // marks: reference.call run
  p->go(); // marks: reference.call go
  new Thing(1); // marks: reference.call Thing
}
Stack::Stack() {} // marks: definition.method Stack; container Stack
int& ref(int& x) { return x; } // marks: definition.function ref
static constexpr int kLimit = 3; // marks: definition.variable kLimit
int plain(int a, int b = 1); // marks: definition.function plain
#define MAX(a) (a) // marks: definition.macro MAX
#define LIMIT 3 // marks: definition.macro LIMIT
TEST(StackTest, Pushes) { EXPECT_EQ(1, 1); } // marks: definition.function TEST; test TEST; reference.call EXPECT_EQ
