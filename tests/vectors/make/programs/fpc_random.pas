{ Oracle: Free Pascal's random. Arguments: CALL LO HI COUNT SEED... (seeds in hex); the call is int or real. }
program fpc_random;
{$mode objfpc}
uses SysUtils;

function draw(lo, hi: int64): int64;
begin
  if ParamStr(1) = 'int' then
    draw := lo + random(longint(hi - lo + 1))
  else
    draw := lo + trunc(random * (hi - lo + 1));
end;

var
  k, left: longint;
begin
  for k := 5 to ParamCount do
  begin
    randseed := longint(StrToInt64('$' + ParamStr(k)));
    write(ParamStr(k));
    for left := StrToInt(ParamStr(4)) downto 1 do
      write(',', draw(StrToInt64(ParamStr(2)), StrToInt64(ParamStr(3))));
    writeln;
  end;
end.
