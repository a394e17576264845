CREATE TABLE stack ( -- marks: definition.table stack
  id INTEGER PRIMARY KEY, -- marks: definition.field id
  name TEXT NOT NULL -- marks: definition.field name
);
CREATE VIEW tall AS SELECT * FROM stack WHERE id > 1; -- marks: definition.table tall; reference.type stack
CREATE INDEX by_name ON stack (name); -- marks: definition.constant by_name
CREATE FUNCTION twice(x INTEGER) RETURNS INTEGER AS $$ SELECT x * 2; $$ LANGUAGE sql; -- marks: definition.function twice
CREATE TYPE color AS ENUM ('red', 'green'); -- marks: definition.type color
SELECT count(s.id) FROM stack s JOIN other o ON o.id = s.id; -- marks: reference.call count; reference.type stack; reference.type other
INSERT INTO stack (name) VALUES ('x'); -- marks: reference.type stack
