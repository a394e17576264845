const std = @import("std"); // marks: definition.constant std; import std
pub const limit: usize = 3; // marks: definition.constant limit
var count: u32 = 0; // marks: definition.variable count

pub const Stack = struct { // marks: definition.struct Stack
    items: []u8, // marks: definition.field items
    pub fn push(self: *Stack, item: u8) void { // marks: definition.function push
        const local = item;
        helper(local); // marks: reference.call helper
        self.add(item); // marks: reference.call add
    }
};
const Color = enum { red, green }; // marks: definition.enum Color; definition.field red; definition.field green
const Failure = error{Broken}; // marks: definition.constant Failure
fn helper(x: u8) void { // marks: definition.function helper
    _ = x;
}
test "pushes" { // marks: test pushes
    helper(1); // marks: reference.call helper
}
