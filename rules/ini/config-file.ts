/** The name of a project's ini. A file of its own: who looks for a project does not read one. */
export const CONFIG_FILE = "platformio.ini";
