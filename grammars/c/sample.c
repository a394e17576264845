#include <stdio.h> // marks: import <stdio.h>
#include "alpha.h" // marks: import alpha.h
#define LIMIT 3 // marks: definition.macro LIMIT
#define SQUARE(x) ((x) * (x)) // marks: definition.macro SQUARE

struct stack { // marks: definition.struct stack
  int size; // marks: definition.field size
  char *name, *other; // marks: definition.field name; definition.field other
  int (*push)(int item); // marks: definition.field push
};
union bits { float f; }; // marks: definition.struct bits; definition.field f
enum color { RED, GREEN = 2 }; // marks: definition.enum color; definition.variant RED; definition.variant GREEN
typedef struct stack stack_t; // marks: definition.type stack_t
typedef int (*handler)(int); // marks: definition.type handler

static int count; // marks: definition.variable count
int names[3]; // marks: definition.variable names
int total = 0; // marks: definition.variable total

int declared(int x); // marks: definition.function declared

static int helper(int x) { // marks: definition.function helper
  int local = SQUARE(x); // marks: reference.call SQUARE
  return declared(local); // marks: reference.call declared
}
char *name_of(struct stack *s) { // marks: definition.function name_of
  s->push(helper(1)); // marks: reference.call push; reference.call helper
  return s->name;
}
int test_helper(void) { return helper(2); } // marks: definition.function test_helper; test test_helper; reference.call helper
