(class_declaration name: (identifier) @name) @definition.class
(mixin_declaration name: (identifier) @name) @definition.trait
(extension_declaration name: (identifier) @name) @definition.class
(enum_declaration name: (identifier) @name) @definition.enum
(enum_entry name: (identifier) @name) @definition.variant
(type_alias . (type_identifier) @name) @definition.type
(function_declaration signature: (function_signature name: (identifier) @name)) @definition.function
(method_declaration signature: (method_signature (function_signature name: (identifier) @name))) @definition.method
(method_declaration signature: (method_signature (getter_signature name: (identifier) @name))) @definition.method
(method_declaration signature: (method_signature (setter_signature name: (identifier) @name))) @definition.method
(declaration (function_signature name: (identifier) @name)) @definition.method
(constructor_signature name: (identifier) @name) @definition.constructor
(declaration (initialized_identifier_list (initialized_identifier name: (identifier) @name))) @definition.field
(static_final_declaration name: (identifier) @name) @definition.variable

(superclass type: (type (type_identifier) @name)) @reference.implementation
(mixins (type (type_identifier) @name)) @reference.implementation
(interfaces (type (type_identifier) @name)) @reference.implementation
(call_expression function: [(identifier) @name (member_expression property: (identifier) @name)]) @reference.call

(uri) @import

((call_expression function: (identifier) @_run
  arguments: (arguments . (string_literal (_ (_) @name)))) @test
  (#any-of? @_run "test" "group" "testWidgets"))
