# A build script in the shape of those of the libs package of Arduino 3 for ESP32, with a few flags of each kind.
from os.path import basename, join

from SCons.Script import DefaultEnvironment

env = DefaultEnvironment()

FRAMEWORK_DIR = env.PioPlatform().get_package_dir("framework-arduinoespressif32")
FRAMEWORK_SDK_DIR = env.PioPlatform().get_package_dir("framework-arduinoespressif32-libs")

board_config = env.BoardConfig()

flatten_cppdefines = env.Flatten(env["CPPDEFINES"])

if "ZIGBEE_MODE_ED" in flatten_cppdefines:
    env.Append(
        LIBS=[
            "-lzb_ed"
        ]
    )

env.Append(
    ASPPFLAGS=[
        "-march=rv32imac_zicsr_zifencei", "-mabi=ilp32",
        "-x", "assembler-with-cpp"
    ],

    CFLAGS=[
        "-march=rv32imac_zicsr_zifencei", "-mabi=ilp32",
        "-std=gnu17"
    ],

    CXXFLAGS=[
        "-march=rv32imac_zicsr_zifencei", "-mabi=ilp32",
        "-std=gnu++2b",
        "-fno-exceptions"
    ],

    CCFLAGS=[
        "-Os",
        "-ggdb",
        "\"-DANGLES=<sdk.h>\"",
        "-MMD"
    ],

    LINKFLAGS=[
        "-nostdlib",
        "-march=rv32imac_zicsr_zifencei", "-mabi=ilp32",
        "-fno-lto",
        "-Wl,--gc-sections",
        "-T", "memory.ld",
        "-T", "sections.ld",
        "-u", "app_main",
        '-Wl,-Map="%s"' % join("${BUILD_DIR}", "${PROGNAME}.map")
    ],

    CPPPATH=[
        join(FRAMEWORK_SDK_DIR, "esp32c6", "include", "sdk"),
        join(FRAMEWORK_SDK_DIR, "esp32c6", board_config.get("build.arduino.memory_type", (board_config.get("build.flash_mode", "dio") + "_qspi")), "include"),
        join(FRAMEWORK_DIR, "cores", board_config.get("build.core"))
    ],

    LIBPATH=[
        join(FRAMEWORK_SDK_DIR, "esp32c6", "lib"),
        join(FRAMEWORK_SDK_DIR, "esp32c6", "ld"),
        join(FRAMEWORK_SDK_DIR, "esp32c6", board_config.get("build.arduino.memory_type", (board_config.get("build.flash_mode", "dio") + "_qspi")))
    ],

    LIBS=[
        "-lsdk", "-lgcc"
    ],

    CPPDEFINES=[
        "ESP_PLATFORM",
        ("ESP32", "ESP32"),
        ("F_CPU", "$BOARD_F_CPU"),
        ("ARDUINO", 10812),
        ("ARDUINO_VARIANT", '\\"%s\\"' % board_config.get("build.variant").replace('"', "")),
        ("ARDUINO_BOARD", '\\"%s\\"' % board_config.get("name").replace('"', "")),
        "ARDUINO_PARTITION_%s" % basename(board_config.get(
            "build.partitions", "default.csv")).replace(".csv", "").replace("-", "_")
    ]
)
