((element (start_tag (attribute (attribute_name) @_id (quoted_attribute_value (attribute_value) @name)))) @definition.element
  (#eq? @_id "id"))
((element (self_closing_tag (attribute (attribute_name) @_id (quoted_attribute_value (attribute_value) @name)))) @definition.element
  (#eq? @_id "id"))
((element (start_tag (tag_name) @_heading) . (text) @name) @definition.section
  (#match? @_heading "^[hH][1-6]$"))

; A tag with a hyphen or a capital is a component.
((start_tag (tag_name) @name) @reference.call (#match? @name "[-A-Z]"))
((self_closing_tag (tag_name) @name) @reference.call (#match? @name "[-A-Z]"))

((script_element (start_tag (attribute (attribute_name) @_src (quoted_attribute_value (attribute_value) @import))))
  (#eq? @_src "src"))
((element (start_tag (tag_name) @_link (attribute (attribute_name) @_href (quoted_attribute_value (attribute_value) @import))))
  (#eq? @_link "link") (#eq? @_href "href"))
