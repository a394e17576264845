(function_definition name: (identifier) @name) @definition.function
(class_definition body: (block (function_definition name: (identifier) @name) @definition.method))
(class_definition body: (block (decorated_definition definition: (function_definition name: (identifier) @name) @definition.method)))
(class_definition name: (identifier) @name) @definition.class
(type_alias_statement left: (type (identifier) @name)) @definition.type

; Names bound at the top of the file or of a class.
(module (expression_statement (assignment left: (identifier) @name) @definition.variable))
((module (expression_statement (assignment left: (identifier) @name) @definition.constant))
  (#match? @name "^_*[A-Z][A-Z0-9_]*$"))
(class_definition body: (block (expression_statement (assignment left: (identifier) @name) @definition.field)))

(class_definition superclasses: (argument_list (identifier) @name)) @reference.implementation
(class_definition superclasses: (argument_list (attribute attribute: (identifier) @name))) @reference.implementation

(call function: (identifier) @name) @reference.call
(call function: (attribute attribute: (identifier) @name)) @reference.call
(decorator (identifier) @name) @reference.call

(import_statement name: (dotted_name) @import)
(import_statement name: (aliased_import name: (dotted_name) @import))
(import_from_statement module_name: (_) @import)

((function_definition name: (identifier) @name) @test (#match? @name "^test"))
((class_definition name: (identifier) @name) @test (#match? @name "^Test|Tests?$|TestCase$"))
