open Printf (* marks: import Printf *)
type shape = Round | Box of int (* marks: definition.type shape; definition.variant Round; definition.variant Box *)
val push : int -> int list -> int list (* marks: definition.function push *)
module Inner : sig (* marks: definition.module Inner *)
  val run : unit -> unit (* marks: definition.function run *)
end
exception Failed of string (* marks: definition.variant Failed *)
module type Draw = sig end (* marks: definition.interface Draw *)
