((call target: (identifier) @_def (arguments . (alias) @name)) @definition.module (#eq? @_def "defmodule"))
((call target: (identifier) @_def (arguments . (alias) @name)) @definition.interface (#eq? @_def "defprotocol"))
((call target: (identifier) @_def (arguments . (alias) @name)) @reference.implementation (#eq? @_def "defimpl"))
((call target: (identifier) @_def (arguments . [(identifier) @name (call target: (identifier) @name) (binary_operator left: (call target: (identifier) @name) operator: "when")])) @definition.function
  (#any-of? @_def "def" "defp" "defdelegate" "defguard" "defguardp" "defn"))
((call target: (identifier) @_def (arguments . [(identifier) @name (call target: (identifier) @name) (binary_operator left: (call target: (identifier) @name) operator: "when")])) @definition.macro
  (#any-of? @_def "defmacro" "defmacrop"))
((unary_operator operator: "@" operand: (call target: (identifier) @name)) @definition.constant
  (#not-any-of? @name "doc" "moduledoc" "spec" "type" "typep" "typedoc" "impl" "behaviour" "callback" "tag" "moduletag"))

((call target: (identifier) @name) @reference.call
  (#not-any-of? @name "def" "defp" "defmodule" "defmacro" "defmacrop" "defprotocol" "defimpl" "defstruct" "alias" "import" "require" "use" "describe" "test" "do" "if" "case" "cond" "with" "unless"))
(call target: (dot right: (identifier) @name)) @reference.call

((call target: (identifier) @_import (arguments . (alias) @import))
  (#any-of? @_import "alias" "import" "require" "use"))

((call target: (identifier) @_run (arguments . (string (quoted_content) @name)) (do_block)) @test
  (#any-of? @_run "test" "describe" "property"))
