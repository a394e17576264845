(function_declaration name: (identifier) @name) @definition.function
(source_file (variable_declaration "const" . (identifier) @name) @definition.constant)
(source_file (variable_declaration "var" . (identifier) @name) @definition.variable)
(struct_declaration (variable_declaration "const" . (identifier) @name) @definition.constant)
(variable_declaration (identifier) @name (struct_declaration)) @definition.struct
(variable_declaration (identifier) @name (union_declaration)) @definition.struct
(variable_declaration (identifier) @name (enum_declaration)) @definition.enum
(container_field name: (identifier) @name) @definition.field
(call_expression function: [(identifier) @name (field_expression member: (identifier) @name)]) @reference.call
((builtin_function (builtin_identifier) @_import (arguments (string (string_content) @import)))
  (#any-of? @_import "@import" "@cImport" "@embedFile"))
(test_declaration [(string (string_content) @name) (identifier) @name]) @test
