(function_declaration name: (identifier) @name) @definition.function
(function_declaration name: (dot_index_expression field: (identifier) @name)) @definition.function
(function_declaration name: (method_index_expression method: (identifier) @name)) @definition.method
(function_declaration name: [(dot_index_expression table: (identifier) @name) (method_index_expression table: (identifier) @name)]) @container
(chunk (variable_declaration (assignment_statement (variable_list name: (identifier) @name))) @definition.variable)
(chunk (assignment_statement (variable_list name: (identifier) @name)) @definition.variable)
(assignment_statement
  (variable_list . name: [(identifier) @name (dot_index_expression field: (identifier) @name)])
  (expression_list . value: (function_definition))) @definition.function
(field name: (identifier) @name value: (function_definition)) @definition.function

(function_call name: (identifier) @name) @reference.call
(function_call name: (dot_index_expression field: (identifier) @name)) @reference.call
(function_call name: (method_index_expression method: (identifier) @name)) @reference.call

((function_call name: (identifier) @_require arguments: (arguments (string content: (string_content) @import)))
  (#any-of? @_require "require" "dofile" "loadfile"))

((function_call name: (identifier) @_run arguments: (arguments . (string content: (string_content) @name))) @test
  (#any-of? @_run "describe" "it" "context" "pending" "test"))
