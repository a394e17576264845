(function_declaration name: (identifier) @name) @definition.function
(method_declaration name: (field_identifier) @name) @definition.method
(type_spec name: (type_identifier) @name) @definition.type
(type_spec name: (type_identifier) @name type: (struct_type)) @definition.struct
(type_spec name: (type_identifier) @name type: (interface_type)) @definition.interface
(type_alias name: (type_identifier) @name) @definition.type
(struct_type (field_declaration_list (field_declaration name: (field_identifier) @name) @definition.field))
(method_elem name: (field_identifier) @name) @definition.method
(source_file (const_declaration (const_spec name: (identifier) @name) @definition.constant))
(source_file (var_declaration (var_spec name: (identifier) @name) @definition.variable))
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @definition.variable)))
(package_clause (package_identifier) @name) @definition.module

(call_expression function: (identifier) @name) @reference.call
(call_expression function: (selector_expression field: (field_identifier) @name)) @reference.call
(composite_literal type: (type_identifier) @name) @reference.type
(composite_literal type: (qualified_type name: (type_identifier) @name)) @reference.type

(import_spec path: (interpreted_string_literal (interpreted_string_literal_content) @import))

((function_declaration name: (identifier) @name) @test (#match? @name "^(Test|Benchmark|Fuzz|Example)([A-Z_]|$)"))
