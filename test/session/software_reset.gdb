# The macro that cortex-debug brings with it; PlatformIO's script does the same.
define SoftwareReset
    set language c
    set *0xE000ED0C = 0x05FA0004
    set $busy = (*0xE000ED0C & 0x4)
    while ($busy)
        set $busy = (*0xE000ED0C & 0x4)
    end
    set language auto
end
