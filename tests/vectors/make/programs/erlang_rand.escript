%% Oracle: Erlang's rand. Arguments: CALL LO HI COUNT SEED... (seeds in hex); CALL is algorithm:draw.
main([Call, Lo, Hi, Count | Seeds]) ->
    [Algorithm, Draw] = string:split(Call, ":"),
    [First, Last, Many] = [list_to_integer(Text) || Text <- [Lo, Hi, Count]],
    lists:foreach(
      fun(Seed) ->
              rand:seed(list_to_atom(Algorithm), list_to_integer(Seed, 16)),
              Draws = [draw(Draw, First, Last - First + 1) || _ <- lists:seq(1, Many)],
              io:format("~s~n", [lists:join(",", [Seed | Draws])])
      end, Seeds).

%% A range of 2^58 takes the whole word.
draw("word", _, _) -> integer_to_list(rand:uniform(1 bsl 58) - 1, 16);
draw("uniform", Lo, Size) -> integer_to_list(Lo - 1 + rand:uniform(Size));
draw("float", Lo, Size) -> integer_to_list(Lo + trunc(rand:uniform() * Size)).
