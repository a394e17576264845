; Items.
(function_item name: (identifier) @name) @definition.function
(function_signature_item name: (identifier) @name) @definition.function
(impl_item body: (declaration_list (function_item name: (identifier) @name) @definition.method))
(trait_item body: (declaration_list (function_item name: (identifier) @name) @definition.method))
(trait_item body: (declaration_list (function_signature_item name: (identifier) @name) @definition.method))
(struct_item name: (type_identifier) @name) @definition.struct
(union_item name: (type_identifier) @name) @definition.struct
(enum_item name: (type_identifier) @name) @definition.enum
(enum_variant name: (identifier) @name) @definition.variant
(field_declaration name: (field_identifier) @name) @definition.field
(trait_item name: (type_identifier) @name) @definition.trait
(type_item name: (type_identifier) @name) @definition.type
(associated_type name: (type_identifier) @name) @definition.type
(mod_item name: (identifier) @name) @definition.module
(const_item name: (identifier) @name) @definition.constant
(static_item name: (identifier) @name) @definition.variable
(macro_definition name: (identifier) @name) @definition.macro

; `impl Trait for Type`: what lies in it belongs to the type.
(impl_item type: (type_identifier) @name) @container
(impl_item type: (generic_type type: (type_identifier) @name)) @container
(impl_item type: (scoped_type_identifier name: (type_identifier) @name)) @container
(impl_item type: (reference_type type: (type_identifier) @name)) @container
(impl_item trait: (type_identifier) @name) @reference.implementation
(impl_item trait: (generic_type type: (type_identifier) @name)) @reference.implementation
(impl_item trait: (scoped_type_identifier name: (type_identifier) @name)) @reference.implementation

; Calls.
(call_expression function: (identifier) @name) @reference.call
(call_expression function: (field_expression field: (field_identifier) @name)) @reference.call
(call_expression function: (scoped_identifier name: (identifier) @name)) @reference.call
(call_expression function: (generic_function function: (identifier) @name)) @reference.call
(call_expression function: (generic_function function: (scoped_identifier name: (identifier) @name))) @reference.call
(call_expression function: (generic_function function: (field_expression field: (field_identifier) @name))) @reference.call
(macro_invocation macro: (identifier) @name) @reference.call
(macro_invocation macro: (scoped_identifier name: (identifier) @name)) @reference.call

(use_declaration argument: (_) @import)
(extern_crate_declaration name: (identifier) @import)

; `#[test]`, `#[tokio::test]`, `#[rstest]`, and modules under `#[cfg(test)]`.
((attribute_item (attribute [(identifier) @_test (scoped_identifier name: (identifier) @_test)]))
  . [(attribute_item) (line_comment)]*
  . (function_item name: (identifier) @name) @test
  (#match? @_test "^(test|rstest|bench|quickcheck|test_case|wasm_bindgen_test)$"))
((attribute_item (attribute (identifier) @_cfg arguments: (token_tree) @_when))
  . [(attribute_item) (line_comment)]*
  . (mod_item name: (identifier) @name) @test
  (#eq? @_cfg "cfg")
  (#match? @_when "^\\(.*\\btest\\b"))
