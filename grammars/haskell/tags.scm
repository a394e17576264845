(header module: (module) @name) @definition.module
(data_type name: (name) @name) @definition.type
(newtype name: (name) @name) @definition.type
(type_synonym name: (name) @name) @definition.type
(class name: (name) @name) @definition.interface
(data_constructor constructor: (_ name: (constructor) @name)) @definition.variant
(newtype_constructor name: (constructor) @name) @definition.variant
(field name: (field_name) @name) @definition.field
(function name: (variable) @name) @definition.function
(declarations (bind name: (variable) @name) @definition.function)

(instance name: (name) @name) @reference.implementation
(apply function: [(variable) @name (qualified id: (variable) @name)]) @reference.call
(import module: (module) @import)

((declarations (function name: (variable) @name) @test) (#match? @name "^(prop|test|spec|unit|hprop)_"))
