(module_declaration name: (upper_case_qid) @name) @definition.module
(type_declaration name: (upper_case_identifier) @name) @definition.type
(type_alias_declaration name: (upper_case_identifier) @name) @definition.type
(union_variant name: (upper_case_identifier) @name) @definition.variant
(type_alias_declaration typeExpression: (type_expression part: (record_type fieldType: (field_type name: (lower_case_identifier) @name) @definition.field)))
(port_annotation name: (lower_case_identifier) @name) @definition.function
(file (value_declaration functionDeclarationLeft: (function_declaration_left . (lower_case_identifier) @name)) @definition.function)

(function_call_expr target: (value_expr name: (value_qid (lower_case_identifier) @name))) @reference.call
(import_clause moduleName: (upper_case_qid) @import)

((function_call_expr target: (value_expr name: (value_qid (lower_case_identifier) @_run .)) arg: (string_constant_expr (regular_string_part) @name)) @test
  (#any-of? @_run "test" "describe" "fuzz"))
