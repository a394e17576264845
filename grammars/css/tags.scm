(rule_set (selectors (_) @name)) @definition.element
(keyframes_statement (keyframes_name) @name) @definition.function
((declaration (property_name) @name) @definition.variable (#match? @name "^--"))

(import_statement (call_expression (arguments (string_value (string_content) @import))))
(import_statement (string_value (string_content) @import))
