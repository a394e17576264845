(package_declaration (_) @name) @definition.module
(class_declaration name: (identifier) @name) @definition.class
(interface_declaration name: (identifier) @name) @definition.interface
(annotation_type_declaration name: (identifier) @name) @definition.interface
(enum_declaration name: (identifier) @name) @definition.enum
(record_declaration name: (identifier) @name) @definition.struct
(enum_constant name: (identifier) @name) @definition.variant
(method_declaration name: (identifier) @name) @definition.method
(annotation_type_element_declaration name: (identifier) @name) @definition.method
(constructor_declaration name: (identifier) @name) @definition.constructor
(compact_constructor_declaration name: (identifier) @name) @definition.constructor
(field_declaration declarator: (variable_declarator name: (identifier) @name)) @definition.field
(constant_declaration declarator: (variable_declarator name: (identifier) @name)) @definition.constant

(superclass [(type_identifier) @name (generic_type (type_identifier) @name)]) @reference.implementation
(super_interfaces (type_list [(type_identifier) @name (generic_type (type_identifier) @name)])) @reference.implementation
(extends_interfaces (type_list [(type_identifier) @name (generic_type (type_identifier) @name)])) @reference.implementation
(method_invocation name: (identifier) @name) @reference.call
(object_creation_expression type: [(type_identifier) @name (generic_type (type_identifier) @name)]) @reference.call
(method_reference (identifier) @name .) @reference.call

(import_declaration [(scoped_identifier) (identifier)] @import)

; `@Test`, `@ParameterizedTest`, `@org.junit.Test`.
((method_declaration
  (modifiers [(marker_annotation name: (_) @_test) (annotation name: (_) @_test)])
  name: (identifier) @name) @test
  (#match? @_test "Test$"))
