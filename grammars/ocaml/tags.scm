(module_definition (module_binding (module_name) @name)) @definition.module
(module_type_definition (module_type_name) @name) @definition.interface
(type_binding name: (type_constructor) @name) @definition.type
(constructor_declaration (constructor_name) @name) @definition.variant
(field_declaration (field_name) @name) @definition.field
(class_binding (class_name) @name) @definition.class
(method_definition (method_name) @name) @definition.method
(value_specification (value_name) @name) @definition.variable
(external (value_name) @name) @definition.function
(compilation_unit (value_definition (let_binding pattern: (value_name) @name) @definition.variable))
(structure (value_definition (let_binding pattern: (value_name) @name) @definition.variable))
(value_definition (let_binding pattern: (value_name) @name (parameter)) @definition.function)

(application_expression function: (value_path (value_name) @name)) @reference.call
(open_module module: (_) @import)
(include_module module: (_) @import)
