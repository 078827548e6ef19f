print("loading")
raise RuntimeError("no configuration")
