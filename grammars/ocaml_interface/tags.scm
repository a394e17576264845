(module_definition (module_binding (module_name) @name)) @definition.module
(module_type_definition (module_type_name) @name) @definition.interface
(type_binding name: (type_constructor) @name) @definition.type
(constructor_declaration (constructor_name) @name) @definition.variant
(field_declaration (field_name) @name) @definition.field
(value_specification (value_name) @name) @definition.variable
(value_specification (value_name) @name type: (function_type)) @definition.function
(external (value_name) @name) @definition.function
(open_module_signature module: (_) @import)
