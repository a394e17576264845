open Printf (* marks: import Printf *)
module Inner = struct (* marks: definition.module Inner *)
  let run () = () (* marks: definition.function run *)
end
type shape = Round | Box of int (* marks: definition.type shape; definition.variant Round; definition.variant Box *)
type point = { x : int; mutable y : int } (* marks: definition.type point; definition.field x; definition.field y *)
exception Failed of string (* marks: definition.variant Failed *)
module type Draw = sig (* marks: definition.interface Draw *)
  val draw : unit -> string (* marks: definition.variable draw *)
end
let limit = 3 (* marks: definition.variable limit *)
let rec push item stack = helper (item :: stack) (* marks: definition.function push; reference.call helper *)
and helper s = Inner.run (); s (* marks: definition.function helper; reference.call run *)
let arrow = fun x -> x (* marks: definition.variable arrow *)
class counter = object (* marks: definition.class counter *)
  method get = 1 (* marks: definition.method get *)
end
external length : string -> int = "caml_length" (* marks: definition.function length *)
