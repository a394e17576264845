(binary_operator lhs: (identifier) @name operator: ["<-" "=" "<<-"] rhs: (function_definition)) @definition.function
(program (binary_operator lhs: (identifier) @name operator: ["<-" "=" "<<-"]) @definition.variable)
(program (binary_operator lhs: (identifier) @name operator: ["<-" "=" "<<-"] rhs: (function_definition)) @definition.function)
((call function: (identifier) @_class arguments: (arguments . argument: (argument value: (string content: (string_content) @name)))) @definition.class
  (#any-of? @_class "setClass" "setRefClass" "R6Class"))
((call function: (identifier) @_generic arguments: (arguments . argument: (argument value: (string content: (string_content) @name)))) @definition.function
  (#any-of? @_generic "setGeneric" "setMethod"))

(call function: [(identifier) @name (namespace_operator rhs: (identifier) @name) (extract_operator rhs: (identifier) @name)]) @reference.call

((call function: (identifier) @_library arguments: (arguments . argument: (argument value: [(identifier) @import (string content: (string_content) @import)])))
  (#any-of? @_library "library" "require" "requireNamespace" "source"))

((call function: (identifier) @_run arguments: (arguments . argument: (argument value: (string content: (string_content) @name)))) @test
  (#any-of? @_run "test_that" "describe" "it"))
