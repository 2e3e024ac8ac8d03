(* Oracle: OCaml's Random. Arguments: CALL LO HI COUNT SEED... (seeds in hex, 63-bit two's complement). *)

let draw call lo hi =
  let size = hi - lo + 1 in
  match call with
  | "bits" -> Printf.sprintf "%08x" (Random.bits ())
  | "int" -> string_of_int (lo + Random.int size)
  | "full_int" -> string_of_int (lo + Random.full_int size)
  | "float" -> string_of_int (lo + truncate (Random.float (float_of_int size)))
  | _ -> failwith ("unknown call " ^ call)

let () =
  let number i = int_of_string Sys.argv.(i) in
  for i = 5 to Array.length Sys.argv - 1 do
    Random.init (int_of_string ("0x" ^ Sys.argv.(i)));
    print_string Sys.argv.(i);
    for _ = 1 to number 4 do
      print_string ("," ^ draw Sys.argv.(1) (number 2) (number 3))
    done;
    print_newline ()
  done
