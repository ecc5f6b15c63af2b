# A build script in the shape of those of the Arduino core for ESP32, with a few flags of each kind.
from os.path import basename, join

from SCons.Script import DefaultEnvironment

env = DefaultEnvironment()

FRAMEWORK_DIR = env.PioPlatform().get_package_dir("framework-arduinoespressif32")

env.Append(
    ASFLAGS=[
        "-march=rv32imc", "-mabi=ilp32"
    ],

    ASPPFLAGS=[
        "-x", "assembler-with-cpp"
    ],

    CFLAGS=[
        "-march=rv32imc", "-mabi=ilp32",
        "-std=gnu99"
    ],

    CXXFLAGS=[
        "-march=rv32imc", "-mabi=ilp32",
        "-std=gnu++11",
        "-fno-exceptions"
    ],

    CCFLAGS=[
        "-Os",
        "-ggdb",
        "-MMD"
    ],

    LINKFLAGS=[
        "-nostdlib",
        "-march=rv32imc", "-mabi=ilp32",
        "-Wl,--gc-sections",
        "-T", "memory.ld",
        "-T", "sections.ld",
        "-u", "app_main",
        '-Wl,-Map="%s"' % join("${BUILD_DIR}", "${PROGNAME}.map")
    ],

    CPPPATH=[
        join(FRAMEWORK_DIR, "tools", "sdk", "esp32c3", "include", "sdk"),
        join(FRAMEWORK_DIR, "tools", "sdk", "esp32c3", env.BoardConfig().get("build.arduino.memory_type", (env.BoardConfig().get("build.flash_mode", "dio") + "_qspi")), "include"),
        join(FRAMEWORK_DIR, "cores", env.BoardConfig().get("build.core"))
    ],

    LIBPATH=[
        join(FRAMEWORK_DIR, "tools", "sdk", "esp32c3", "lib"),
        join(FRAMEWORK_DIR, "tools", "sdk", "esp32c3", "ld"),
        join(FRAMEWORK_DIR, "tools", "sdk", "esp32c3", env.BoardConfig().get("build.arduino.memory_type", (env.BoardConfig().get("build.flash_mode", "dio") + "_qspi")))
    ],

    LIBS=[
        "-lsdk", "-lgcc"
    ],

    CPPDEFINES=[
        "HAVE_CONFIG_H",
        ("SDK_CONFIG_FILE", '\\"sdk/config.h\\"'),
        "ESP32",
        ("F_CPU", "$BOARD_F_CPU"),
        ("ARDUINO", 10812),
        ("ARDUINO_VARIANT", '\\"%s\\"' % env.BoardConfig().get("build.variant").replace('"', "")),
        ("ARDUINO_BOARD", '\\"%s\\"' % env.BoardConfig().get("name").replace('"', "")),
        "ARDUINO_PARTITION_%s" % basename(env.BoardConfig().get(
            "build.partitions", "default.csv")).replace(".csv", "").replace("-", "_")
    ]
)
