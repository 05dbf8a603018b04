# Pillbug: a debug probe on a Blue Pill, and a virtual Blue Pill to try it on.
# `make help` lists what there is to type.

BUILD   ?= build
BOARD   ?= bluepill
TARGET  ?= samd21
USB_VID ?= 0x1209
USB_PID ?= 0x0001

# --- firmware ---------------------------------------------------------------
CROSS  := arm-none-eabi-
CC_ARM := $(CROSS)gcc
WARN   := -Wall -Wextra -Wconversion -Wshadow -Werror
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

ARM_FLAGS := -std=gnu11 -mcpu=cortex-m3 -mthumb -Os -g3 -ffreestanding -nostdlib \
    -ffunction-sections -fdata-sections -fno-common -fno-tree-loop-distribute-patterns \
    $(WARN) -I. -DBOARD=BOARD_$(shell echo $(BOARD) | tr a-z A-Z) \
    -DUSB_VID=$(USB_VID) -DUSB_PID=$(USB_PID) -DVERSION='"$(VERSION)"' -MMD -MP
ARM_LD := -Wl,--gc-sections -Wl,--build-id=none -Wl,--no-warn-rwx-segments -lgcc

# In boot order, then from the wire up.
boot_c  := boot.c clock.c
probe_c := probe.c clock.c usb.c cdc.c uart.c swd.c adi.c cortexm.c target.c \
           $(wildcard flash*.c) gdb_remote.c monitor.c

# --- virtual board ----------------------------------------------------------
CC_HOST    ?= gcc
HOST_FLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Werror -MMD -MP
sim_c      := $(filter-out sim/main.c,$(wildcard sim/*.c))

.PHONY: all
all: $(BUILD)/bluepill $(BUILD)/pillbug.bin $(BUILD)/pillbug.hex $(BUILD)/probe.bin

$(BUILD)/sim/%.o: sim/%.c
	@mkdir -p $(@D)
	$(CC_HOST) $(HOST_FLAGS) -c -o $@ $<
$(BUILD)/libsim.a: $(sim_c:sim/%.c=$(BUILD)/sim/%.o)
	rm -f $@ && ar rcs $@ $^
$(BUILD)/bluepill: $(BUILD)/sim/main.o $(BUILD)/libsim.a
	$(CC_HOST) -o $@ $^ -lm

# --- firmware images ----------------------------------------------------------
$(BUILD)/arm/%.o: %.c
	@mkdir -p $(@D)
	$(CC_ARM) $(ARM_FLAGS) -c -o $@ $<
$(BUILD)/arm/%.o: %.s
	@mkdir -p $(@D)
	$(CC_ARM) $(ARM_FLAGS) -x assembler-with-cpp -c -o $@ $<

$(BUILD)/boot.elf: $(BUILD)/arm/startup.o $(boot_c:%.c=$(BUILD)/arm/%.o) link.ld
	$(CC_ARM) $(ARM_FLAGS) -T link.ld -Wl,--defsym=IMAGE_START=0x08000000 \
	    -Wl,--defsym=IMAGE_SIZE=0x2000 -Wl,-Map,$(@:.elf=.map) -o $@ $(filter %.o,$^) $(ARM_LD)
$(BUILD)/probe.elf: $(BUILD)/arm/startup.o $(probe_c:%.c=$(BUILD)/arm/%.o) link.ld
	$(CC_ARM) $(ARM_FLAGS) -T link.ld -Wl,--defsym=IMAGE_START=0x08002000 \
	    -Wl,--defsym=IMAGE_SIZE=0xE000 -Wl,-Map,$(@:.elf=.map) -o $@ $(filter %.o,$^) $(ARM_LD)
%.bin: %.elf
	$(CROSS)objcopy -O binary $< $@
	$(CROSS)objdump -dS $< > $(@:.bin=.lst)
%.hex: %.elf
	$(CROSS)objcopy -O ihex $< $@

# --- unit tests: test/unit/test_X.c, linked with the firmware files that unit_X names --
UNIT_FLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wshadow -Werror -MMD -MP \
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -I. \
    -DBOARD=BOARD_BLUEPILL -DUSB_VID=0x1209 -DUSB_PID=0x0001 -DVERSION='"test"'
unit_gdb_remote := gdb_remote.c
unit_tests := $(patsubst test/unit/test_%.c,$(BUILD)/unit/test_%,$(wildcard test/unit/test_*.c))

.SECONDEXPANSION:
$(BUILD)/unit/test_%: test/unit/test_%.c $$(unit_%)
	@mkdir -p $(@D)
	$(CC_HOST) $(UNIT_FLAGS) -o $@ $(filter %.c,$^) -lcmocka

# --- board tests: test/sim/*.c, cmocka programs that include only sim/board.h -----------
sim_tests := $(patsubst test/sim/%.c,$(BUILD)/test-sim/%,$(wildcard test/sim/*.c))
$(BUILD)/test-sim/%: test/sim/%.c $(BUILD)/libsim.a
	@mkdir -p $(@D)
	$(CC_HOST) $(HOST_FLAGS) -Isim -o $@ $< $(BUILD)/libsim.a -lcmocka -lm

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
