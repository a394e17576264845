(package_header (identifier) @name) @definition.module
(class_declaration (type_identifier) @name) @definition.class
(class_declaration "interface" (type_identifier) @name) @definition.interface
(class_declaration "enum" (type_identifier) @name) @definition.enum
(object_declaration (type_identifier) @name) @definition.class
(type_alias . (type_identifier) @name) @definition.type
(enum_entry (simple_identifier) @name) @definition.variant
(function_declaration (simple_identifier) @name) @definition.function
(class_body (function_declaration (simple_identifier) @name) @definition.method)
(source_file (property_declaration (variable_declaration (simple_identifier) @name)) @definition.variable)
(class_body (property_declaration (variable_declaration (simple_identifier) @name)) @definition.field)

(delegation_specifier [(user_type (type_identifier) @name) (constructor_invocation (user_type (type_identifier) @name))]) @reference.implementation
(call_expression . (simple_identifier) @name) @reference.call
(call_expression . (navigation_expression (navigation_suffix (simple_identifier) @name))) @reference.call

(import_header (identifier) @import)

((function_declaration (modifiers (annotation [(user_type (type_identifier) @_test) (constructor_invocation (user_type (type_identifier) @_test))])) (simple_identifier) @name) @test
  (#match? @_test "Test$"))
