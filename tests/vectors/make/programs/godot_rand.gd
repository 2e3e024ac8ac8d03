# Oracle: Godot's global generator. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
extends SceneTree

func _init():
	var arguments = OS.get_cmdline_args()
	var first = 0
	while not arguments[first].ends_with(".gd"):
		first += 1
	var lo = int(arguments[first + 2])
	var width = int(arguments[first + 3]) - lo + 1
	for i in range(first + 5, arguments.size()):
		seed(whole(arguments[i]))
		var line = arguments[i]
		for _draw in range(int(arguments[first + 4])):
			line += ",%08x" % randi() if arguments[first + 1] == "randi" else ",%d" % (lo + randi() % width)
		print(line)
	quit()

# Digit by digit: Godot's own conversion does not reach 64 bits.
func whole(hex):
	var value = 0
	for digit in hex:
		value = value << 4 | "0123456789abcdef".find(digit)
	return value
