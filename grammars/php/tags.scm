(namespace_definition name: (namespace_name) @name) @definition.module
(function_definition name: (name) @name) @definition.function
(class_declaration name: (name) @name) @definition.class
(interface_declaration name: (name) @name) @definition.interface
(trait_declaration name: (name) @name) @definition.trait
(enum_declaration name: (name) @name) @definition.enum
(enum_case name: (name) @name) @definition.variant
(method_declaration name: (name) @name) @definition.method
((method_declaration name: (name) @name) @definition.constructor (#eq? @name "__construct"))
(const_element . (name) @name) @definition.constant
(property_element name: (variable_name (name) @name)) @definition.field

(base_clause [(name) @name (qualified_name (name) @name)]) @reference.implementation
(class_interface_clause [(name) @name (qualified_name (name) @name)]) @reference.implementation
(use_declaration [(name) @name (qualified_name (name) @name)]) @reference.implementation
(function_call_expression function: [(name) @name (qualified_name (name) @name)]) @reference.call
(member_call_expression name: (name) @name) @reference.call
(nullsafe_member_call_expression name: (name) @name) @reference.call
(scoped_call_expression name: (name) @name) @reference.call
(object_creation_expression [(name) @name (qualified_name (name) @name)]) @reference.call

(namespace_use_clause [(qualified_name) (name)] @import)
(require_expression (_ (string_content) @import))
(require_once_expression (_ (string_content) @import))
(include_expression (_ (string_content) @import))
(include_once_expression (_ (string_content) @import))

((method_declaration name: (name) @name) @test (#match? @name "^test"))
