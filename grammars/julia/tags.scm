(module_definition name: (identifier) @name) @definition.module
(abstract_definition (type_head (identifier) @name)) @definition.type
(struct_definition (type_head [
  (identifier) @name
  (parametrized_type_expression . (identifier) @name)
  (binary_expression . [(identifier) @name (parametrized_type_expression . (identifier) @name)])
])) @definition.struct
(struct_definition [(identifier) @name (typed_expression . (identifier) @name)] @definition.field)
(function_definition (signature [
  (call_expression . [(identifier) @name (field_expression (identifier) @name .)])
  (typed_expression . (call_expression . [(identifier) @name (field_expression (identifier) @name .)]))
  (where_expression . (call_expression . [(identifier) @name (field_expression (identifier) @name .)]))
])) @definition.function
(assignment . (call_expression . [(identifier) @name (field_expression (identifier) @name .)])) @definition.function
(macro_definition (signature (call_expression . (identifier) @name))) @definition.macro
(const_statement (assignment . (identifier) @name)) @definition.constant

(struct_definition (type_head (binary_expression (operator) . (identifier) @name))) @reference.implementation
(call_expression . [(identifier) @name (field_expression (identifier) @name .)]) @reference.call

(using_statement [(identifier) @import (selected_import . (identifier) @import)])
(import_statement [(identifier) @import (selected_import . (identifier) @import)])

((macrocall_expression (macro_identifier (identifier) @_test) (macro_argument_list . (string_literal (content) @name))) @test
  (#any-of? @_test "testset" "testitem"))
