(module name: [(constant) @name (scope_resolution name: (constant) @name)]) @definition.module
(class name: [(constant) @name (scope_resolution name: (constant) @name)]) @definition.class
(method name: (_) @name) @definition.method
(singleton_method name: (_) @name) @definition.method
((method name: (identifier) @name) @definition.constructor (#eq? @name "initialize"))
(assignment left: (constant) @name) @definition.constant
(alias name: (_) @name) @definition.method
((call method: (identifier) @_attr arguments: (argument_list (simple_symbol) @name @definition.method))
  (#match? @_attr "^(attr_reader|attr_writer|attr_accessor|scope|has_many|has_one|belongs_to)$"))

(superclass [(constant) @name (scope_resolution name: (constant) @name)]) @reference.implementation
((call method: (identifier) @_include arguments: (argument_list [(constant) @name (scope_resolution name: (constant) @name)])) @reference.implementation
  (#any-of? @_include "include" "extend" "prepend"))
(call method: [(identifier) (constant)] @name) @reference.call

((call method: (identifier) @_require arguments: (argument_list . (string (string_content) @import)))
  (#any-of? @_require "require" "require_relative" "load" "autoload"))

((method name: (identifier) @name) @test (#match? @name "^test_"))
((call !receiver method: (identifier) @_run arguments: (argument_list . (string (string_content) @name)) block: (_)) @test
  (#any-of? @_run "describe" "context" "it" "specify" "test" "feature" "scenario"))
