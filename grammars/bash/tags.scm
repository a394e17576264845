(function_definition name: (word) @name) @definition.function
(program (variable_assignment name: (variable_name) @name) @definition.variable)
(program (declaration_command (variable_assignment name: (variable_name) @name)) @definition.variable)

(command name: (command_name (word) @name)) @reference.call

((command name: (command_name (word) @_source) argument: (_) @import)
  (#any-of? @_source "source" "."))

((function_definition name: (word) @name) @test (#match? @name "^test"))
