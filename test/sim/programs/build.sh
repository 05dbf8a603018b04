#!/bin/sh
# build.sh NAME OUT: compiles the program NAME.c beside this script into OUT.bin.
# Vectors at the beginning of flash, code from 0x08000400, variables from 0x20000100.
set -e
here=$(dirname "$0")
arm-none-eabi-gcc -std=gnu11 -mcpu=cortex-m3 -mthumb -Os -g -ffreestanding -nostdlib \
    -Wall -Wextra -Werror -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-e,start \
    -Wl,--section-start=.vectors=0x08000000 -Wl,-Ttext=0x08000400 -Wl,-Tbss=0x20000100 \
    -o "$2.elf" "$here/$1.c" -lgcc
arm-none-eabi-objcopy -O binary -R .bss "$2.elf" "$2.bin"
