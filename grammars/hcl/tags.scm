; The last label names the block: `resource "aws_instance" "web"` is `web`. Blocks inside blocks are settings.
(config_file (body (block (string_lit (template_literal) @name) . (block_start)) @definition.element))
(config_file (body (block . (identifier) @name . (block_start)) @definition.element))
(attribute . (identifier) @name) @definition.key

(function_call . (identifier) @name) @reference.call
