# openocd.tcl - OpenOCD's own drivers against a simulated target chip, step by step.
#
#   called by  openocd.sh and test/host/tests/openocd.sh, in OpenOCD      calls  its commands
#
# Every line of `expect` is one test: a sentence, a pattern, the command whose output must
# match.  What chip it is, and where its program has what, comes from settings.sh.

set passed 0
set failed 0

proc verdict {good sentence detail} {
    global passed failed
    if {$good} {
        incr passed
        echo "  ok      $sentence"
    } else {
        incr failed
        echo "  FAILED  $sentence\n        | $detail"
    }
}

# say COMMAND: what it answers and what it logs, or else an error.
proc say {command} {
    global answer
    set answer ""
    set log [capture {set ::answer [uplevel #0 $command]}]
    return "$answer $log"
}

# expect SENTENCE PATTERN COMMAND: the command succeeds and says what matches.
proc expect {sentence pattern command} {
    set bad [catch {say $command} said]
    verdict [expr {!$bad && [regexp -- $pattern $said]}] $sentence "$command: $said"
}

# refuse SENTENCE COMMAND: the command fails.
proc refuse {sentence command} {
    verdict [catch {say $command} said] $sentence "$command: $said"
}

proc word {address} { lindex [read_memory $address 32 1] 0 }
proc register {name} { lindex [get_reg $name] 1 }

proc equal {sentence value wanted} {
    verdict [expr {$value == $wanted}] $sentence "[format 0x%x $value], not [format 0x%x $wanted]"
}

proc finish {} {
    global passed failed
    echo "$passed passed, $failed failed"
    shutdown [expr {$failed ? "error" : ""}]
}

# --- finding the chip ---------------------------------------------------------------------------

proc find_chip {} {
    global chip
    if {$chip in {samd21 samc21 saml21}} {
        expect "its ROM tables lead to a Cortex-M0+" \
            {Cortex-M0\+ ROM.*Cortex-M0.*SCS.*Cortex-M0.*DWT.*Cortex-M0.*BPU} {dap info 0}
        expect "and name Atmel" {Atmel} {dap info 0}
        expect "flash is 256 KB of a [string toupper $chip]" \
            "[string toupper $chip].18\[AB\] \\(256KB Flash, 32KB RAM\\)" {flash probe 0}
        expect "   in rows of 256 bytes, that OpenOCD groups" {size 0x00040000} {flash info 0}
        expect "EEPROM of the fuses: none" {EEPROM is disabled} {at91samd eeprom}
        expect "boot loader of the fuses: none" {Bootloader size is 0 bytes} \
            {at91samd bootloader}
    } elseif {$chip eq "samd51"} {
        expect "its ROM tables lead to a Cortex-M4" \
            {Cortex-M4 ROM.*Cortex-M4 SCS.*Cortex-M3 DWT.*Cortex-M3 FPB.*Cortex-M3 ITM.*Cortex-M4 TPIU} \
            {dap info 0}
        expect "and name Atmel" {Atmel} {dap info 0}
        expect "flash is that of a SAMD51J20A" {SAMD51J20A \(1024KB Flash, 256KB RAM\)} \
            {flash probe 0}
        expect "   in 128 blocks of 8 KB" {# ?127: 0x000fe000 \(0x2000 8kB\)} \
            {flash info 0 sectors}
        expect "boot loader of the fuses: none" {first 0 bytes} {atsame5 bootloader}
        expect "user page: as delivered" {0xAEECFF80FE9A9239} {atsame5 userpage}
    } elseif {$chip eq "nrf51822"} {
        expect "its ROM tables lead to a Cortex-M0" \
            {Cortex-M0 ROM.*Cortex-M0 SCS.*Cortex-M0 DWT.*Cortex-M0 BPU} {dap info 0}
        expect "and name Nordic" {Nordic} {dap info 0}
        expect "flash is that of an nRF51822-QFAA, build code H0" \
            {nRF51822-QFAA\(build code: H0\) 256kB Flash, 16kB RAM} {flash probe 0}
        expect "   in 256 pages of 1 KB" {# ?255: 0x0003fc00 \(0x400 1kB\)} \
            {flash info 0 sectors}
    } elseif {$chip eq "nrf52840"} {
        expect "its ROM table leads to a Cortex-M4" \
            {Cortex-M4 SCS.*Cortex-M3 DWT.*Cortex-M3 FPB.*Cortex-M3 ITM.*Cortex-M4 TPIU} \
            {dap info 0}
        expect "and names Nordic" {Nordic} {dap info 0}
        expect "AP 1 is CTRL-AP" {0x02880000} {nrf52.dap apreg 1 0xfc}
        expect "   and says that the AHB-AP is open" {0x00000001} {nrf52.dap apreg 1 0x0c}
        expect "flash is that of an nRF52840, variant AAD0" \
            {nRF52840-..AA\(build code: D0\) 1024kB Flash, 256kB RAM} {flash probe 0}
        expect "   in 256 pages of 4 KB" {# ?255: 0x000ff000 \(0x1000 4kB\)} \
            {flash info 0 sectors}
    } elseif {[info exists ::l4_kind($chip)]} {
        find_l4_kind
    } elseif {[info exists ::lx_kind($chip)]} {
        find_lx_kind
    } elseif {[info exists ::f1_kind($chip)]} {
        find_f1_kind
    } elseif {$chip eq "stm32f205"} {
        expect "its ROM table leads to a Cortex-M3" \
            {Cortex-M3 SCS.*Cortex-M3 DWT.*Cortex-M3 FPB.*Cortex-M3 ITM.*Cortex-M3 TPIU} \
            {dap info 0}
        expect "and names STMicroelectronics" {STMicro} {dap info 0}
        expect "flash is 1 MB in sectors of 16, 64 and 128 KB" \
            {# +3: 0x0000c000 \(0x4000.*# +4: 0x00010000 \(0x10000.*# +11: 0x000e0000 \(0x20000} \
            {flash info 0 sectors}
        expect "and belongs to an STM32F2xx" {STM32F2[^ ]* - Rev: X} {flash info 0}
        expect "option bytes: as delivered" {0xfffaaed} \
            {format 0x%x [word 0x40023c14]}
    } elseif {$chip eq "sam3x8e"} {
        expect "its ROM table leads to a Cortex-M3" {Cortex-M3 SCS.*Cortex-M3 DWT} {dap info 0}
        expect "flash is that of a SAM3X8E, in two banks" {base 524288.*base 786432} {flash list}
        expect "   at91sam3 info reads CIDR" {CHIPID_CIDR.*0x285e0a60} {at91sam3 info}
        equal "CIDR" [word 0x400e0940] 0x285e0a60
        expect "GPNVM bits: boots from flash" {sam3-gpnvm1: 1} {at91sam3 gpnvm show all}
    } elseif {$chip eq "sam4s16"} {
        expect "its ROM table leads to a Cortex-M4" {Cortex-M4 SCS.*Cortex-M3 DWT} {dap info 0}
        expect "at91sam4 info reads CIDR of a SAM4S16C" {CHIPID_CIDR.*0x28ac0ce0} {at91sam4 info}
        equal "CIDR" [word 0x400e0740] 0x28ac0ce0
        expect "GPNVM bits: boots from flash" {sam4-gpnvm1: 1} {at91sam4 gpnvm show all}
    } elseif {$chip eq "stm32f405"} {
        expect "its ROM table leads to a Cortex-M4" \
            {Cortex-M4 SCS.*Cortex-M3 DWT.*Cortex-M3 FPB.*Cortex-M3 ITM.*Cortex-M4 TPIU} \
            {dap info 0}
        expect "and names STMicroelectronics" {STMicro} {dap info 0}
        expect "flash is 1 MB in sectors of 16, 64 and 128 KB" \
            {# +3: 0x0000c000 \(0x4000.*# +4: 0x00010000 \(0x10000.*# +11: 0x000e0000 \(0x20000} \
            {flash info 0 sectors}
        expect "and belongs to an STM32F40x" {STM32F4[^ ]* - Rev} {flash info 0}
        expect "option bytes: as delivered" {0xfffaaed} \
            {format 0x%x [word 0x40023c14]}
    } elseif {$chip eq "stm32f429"} {
        expect "its ROM table leads to a Cortex-M4" \
            {Cortex-M4 SCS.*Cortex-M3 DWT.*Cortex-M3 FPB.*Cortex-M3 ITM.*Cortex-M4 TPIU} \
            {dap info 0}
        expect "flash is 2 MB in two banks, and the second begins small again" \
            {# ?11: 0x000e0000 \(0x20000.*# ?12: 0x00100000 \(0x4000.*# ?16: 0x00110000 \(0x10000.*# ?23: 0x001e0000 \(0x20000} \
            {flash info 0 sectors}
        expect "and belongs to an STM32F42x" {STM32F4[^ ]* - Rev: 3} {flash info 0}
        expect "option bytes: as delivered" {0xfffaaed 0xfff0000} \
            {format "0x%x 0x%x" [word 0x40023c14] [word 0x40023c18]}
    } elseif {$chip eq "stm32f746"} {
        expect "its three ROM tables lead to a Cortex-M7" \
            {Cortex-M7 ROM.*Cortex-M7 PPB ROM.*Cortex-M4 SCS.*Cortex-M7 FPB.*Cortex-M7 TPIU} \
            {dap info 0}
        expect "and name STMicroelectronics" {STMicro} {dap info 0}
        expect "flash is 1 MB in sectors of 32, 128 and 256 KB" \
            {# +3: 0x00018000 \(0x8000.*# +4: 0x00020000 \(0x20000.*# +7: 0x000c0000 \(0x40000} \
            {flash info 0 sectors}
        expect "and belongs to an STM32F74x" {STM32F7.* - Rev: Z} {flash info 0}
        expect "option bytes: as delivered" {0xc0ffaafd 0x400080} \
            {format "0x%x 0x%x" [word 0x40023c14] [word 0x40023c18]}
    } elseif {$chip eq "stm32f767"} {
        expect "its three ROM tables lead to a Cortex-M7" \
            {Cortex-M7 ROM.*Cortex-M7 PPB ROM.*Cortex-M4 SCS.*Cortex-M7 FPB.*Cortex-M7 TPIU} \
            {dap info 0}
        expect "flash is 2 MB in sectors of 32, 128 and 256 KB" \
            {# +3: 0x00018000 \(0x8000.*# +4: 0x00020000 \(0x20000.*# +11: 0x001c0000 \(0x40000} \
            {flash info 0 sectors}
        expect "and belongs to an STM32F76x" {STM32F7.* - Rev: Z} {flash info 0}
        expect "option bytes: as delivered" {0xffffaafd 0x400080} \
            {format "0x%x 0x%x" [word 0x40023c14] [word 0x40023c18]}
    } else {
        expect "its ROM table leads to a Cortex-M3" \
            {Cortex-M3 SCS.*Cortex-M3 DWT.*Cortex-M3 FPB.*Cortex-M3 ITM.*Cortex-M3 TPIU} \
            {dap info 0}
        expect "and names STMicroelectronics" {STMicro} {dap info 0}
        expect "flash is 64 pages of 1 KB" {# +63: 0x0000fc00 \(0x400 1kB\)} \
            {flash info 0 sectors}
        expect "and belongs to a medium density chip" {Medium|STM32F10} {flash info 0}
        expect "option bytes: open" {not protected|read protection: off} \
            {stm32f1x options_read 0}
    }
}

# What belongs to each chip with the flash controller of the L4.
array set l4_kind {
    stm32g071 {name STM32G07/G08xx core Cortex-M0\\+ optr 0xfffffeaa idcode 0x40015800 id 0x20006460
               kb 128 page 2 banks 1 empty 1}
    stm32g0b1 {name STM32G0B/G0Cx core Cortex-M0\\+ optr 0xfffffeaa idcode 0x40015800 id 0x10006467
               kb 512 page 2 banks 2 empty 1}
    stm32g474 {name STM32G47/G48xx core {Cortex-M4 SCS} optr 0xffeff8aa idcode 0xe0042000
               id 0x20036469 kb 512 page 2 banks 2 empty 0}
    stm32l476 {name STM32L47/L48xx core {Cortex-M4 SCS} optr 0xffeff8aa idcode 0xe0042000
               id 0x10076415 kb 1024 page 2 banks 2 empty 0}
}

proc l4 {what} { dict get $::l4_kind($::chip) $what }

proc find_l4_kind {} {
    expect "its ROM tables lead to a [l4 core] and name STMicroelectronics" \
        "STMicro.*[l4 core]" {dap info 0}
    set last [format "# *%d: 0x%08x" [expr {[l4 kb] / [l4 page] - 1}] \
        [expr {([l4 kb] - [l4 page]) * 1024}]]
    expect "flash is [l4 kb] KB of [l4 name], in pages of [l4 page] KB" "$last .*[l4 name]" \
        {flash info 0 sectors}
    equal "IDCODE" [word [l4 idcode]] [l4 id]
    equal "option bytes: as delivered" [word 0x40022020] [l4 optr]
    expect "OTP is a bank of its own" {0x1fff7000} {flash probe 1; flash info 1}
}

# Each with the flash controller of the F1, but the F103C8.  kb: of one controller.
array set f1_kind {
    stm32f030 {core Cortex-M0 id 0x20006440 idcode 0x40015800 kb 64 page 1 banks 1 obr 0xffffff00}
    stm32f303 {core {Cortex-M4 SCS} id 0x10036422 idcode 0xe0042000 kb 256 page 2 banks 1
               obr 0xffffff00}
    stm32f103xg {core {Cortex-M3 SCS} id 0x10036430 idcode 0xe0042000 kb 512 page 2 banks 2
               obr 0x03ffffe0}
    stm32f107 {core {Cortex-M3 SCS} id 0x10186418 idcode 0xe0042000 kb 256 page 2 banks 1
               obr 0x03fffffc}
}

proc f1 {what} { dict get $::f1_kind($::chip) $what }
proc has_levels {} { expr {$::chip in {stm32f030 stm32f303}} }

proc find_f1_kind {} {
    expect "its ROM tables lead to a [f1 core] and name STMicroelectronics" \
        "STMicro.*[f1 core]" {dap info 0}
    set last [format "# *%d: 0x%08x" [expr {[f1 kb] / [f1 page] - 1}] \
        [expr {([f1 kb] - [f1 page]) * 1024}]]
    expect "flash is [f1 kb] KB in pages of [f1 page] KB" $last {flash info 0 sectors}
    if {[f1 banks] == 2} {
        expect "   and the second bank, too" {flash size = 512 KiB} {flash probe 1}
    }
    equal "IDCODE" [word [f1 idcode]] [f1 id]
    expect "option bytes: open" {not protected|read protection: off} {stm32f1x options_read 0}
}

# And each L0 and L1.  Its EEPROM begins at 0x08080000.
array set lx_kind {
    stm32l053 {name {STM32L0xx .Cat. 3.} core Cortex-M0\\+ id 0x10386417 idcode 0x40015800
               flash 0x40022000 obr 0x807000aa kb 64 eeprom_kb 2 config stm32l0}
    stm32l152 {name {STM32L1xx .Cat.3} core {Cortex-M3 SCS} id 0x10386427 idcode 0xe0042000
               flash 0x40023c00 obr 0x00f800aa kb 256 eeprom_kb 8 config stm32l1}
    stm32l152rb {name {STM32L1xx .Cat.1} core {Cortex-M3 SCS} id 0x10786416 idcode 0xe0042000
               flash 0x40023c00 obr 0x007800aa kb 128 eeprom_kb 4 config stm32l1}
}

proc lx {what} { dict get $::lx_kind($::chip) $what }

proc find_lx_kind {} {
    expect "its ROM tables lead to a [lx core] and name STMicroelectronics" \
        "STMicro.*[lx core]" {dap info 0}
    set last [format "# *%d: 0x%08x \\(0x1000 4kB" [expr {[lx kb] / 4 - 1}] \
        [expr {([lx kb] - 4) * 1024}]]
    expect "flash is [lx kb] KB of a category that OpenOCD knows, in blocks of 4 KB" \
        "$last.*[lx name]" {flash info 0}
    equal "IDCODE" [word [lx idcode]] [lx id]
    equal "options as delivered" [word [expr {[lx flash] + 0x1c}]] [lx obr]
    equal "EEPROM is there" [word [expr {0x08080000 + [lx eeprom_kb] * 1024 - 4}]] 0
    refuse "   and ends" {read_memory [expr {0x08080000 + [lx eeprom_kb] * 1024}] 32 1}
}

# --- memory -------------------------------------------------------------------------------------

proc look_at_memory {} {
    global scratch
    expect "mww, mdw" {20000400: a1b2c3d4} {mww 0x20000400 0xa1b2c3d4; mdw 0x20000400}
    expect "mwb into its middle" {20000400: a1babcd4} \
        {mwb 0x20000401 0xbc; mwb 0x20000402 0xba; mdw 0x20000400}
    expect "mwh" {20000400: beefbcd4} {mwh 0x20000402 0xbeef; mdw 0x20000400}
    expect "mdh" {20000400: bcd4 beef} {mdh 0x20000400 2}
    expect "mdb" {20000401: bc ef be} {mdb 0x20000401 3}
    set pattern {}
    for {set i 0} {$i < 1500} {incr i} {
        lappend pattern [expr {($i * 2654435761) & 0xffffffff}]
    }
    write_memory 0x20000480 32 $pattern
    set different 0
    foreach is [read_memory 0x20000480 32 1500] was $pattern {
        if {$is != $was} { incr different }
    }
    equal "1500 words over several KB come back" $different 0
    expect "dump_image of an odd size" {dumped 5997 bytes} \
        {dump_image $::scratch 0x20000481 5997}
    expect "load_image puts it elsewhere" {5997 bytes written} \
        {load_image $::scratch 0x20000483 bin}
    expect "verify_image reads it back" {verified 5997 bytes} \
        {verify_image $::scratch 0x20000483 bin}
    refuse "reading where nothing is fails" {read_memory 0x38000000 32 1}
    equal "and does no harm" [word 0x20000400] 0xbeefbcd4
}

proc erased_word {} { expr {[info exists ::lx_kind($::chip)] ? 0 : 0xffffffff} }

# --- flash --------------------------------------------------------------------------------------

proc write_flash {} {
    global image base
    if {$::chip ne "sam3x8e"} {             ;# where OpenOCD erases as it writes
        expect "flash erase_sector" {erased sectors 0 through 3} {flash erase_sector 0 0 3}
        equal "what was there is gone" [word $base] [erased_word]
    }
    expect "write_image erases and writes 32 KB" {wrote 32768 bytes} \
        {flash write_image erase $::image $::base bin}
    expect "verify_image (CRC computed on the chip)" {verified 32768 bytes} \
        {verify_image $::image $::base bin}
    expect "verify_image_checksum" {verified 32768 bytes} \
        {verify_image_checksum $::image $::base bin}
    expect "flash verify_bank" {contents match} {flash verify_bank 0 $::image}
    expect "flash erase_check sees what is blank" {successfully checked erase state} \
        {flash erase_check 0}
    expect "the first sector is not, the last one is" {} {flash info 0}
}

# --- running ------------------------------------------------------------------------------------

# go: resume, and what is said until it halts.
proc go {} { say {resume; wait_halt 3000} }

proc go_to {sentence address reason} {
    set bad [catch {go} said]
    set pc [register pc]
    verdict [expr {!$bad && $pc == ($address & ~1) && [regexp $reason $said]}] $sentence \
        "pc [format 0x%08x $pc], not [format 0x%08x $address]: $said"
}

proc run_program {} {
    global base main measure heartbeat take_reading reset_handler stack
    reset halt
    equal "reset halt: PC from the vectors" [register pc] [expr {$reset_handler & ~1}]
    equal "   and SP" [register sp] $stack
    expect "reg lists 20 registers and more" \
        {\(0\) r0.*\(15\) pc.*xPSR.*msp.*psp.*primask.*control} {reg}
    expect "a register can be written" {12345678} {reg r7 0x12345678; reg r7}

    bp $main 2 hw
    go_to "hardware breakpoint at main" $main "breakpoint"
    rbp $main
    set pc [register pc]
    step
    verdict [expr {[register pc] - $pc in {2 4}}] "step goes one instruction on" \
        "$pc [register pc]"
    bp $measure 2 hw
    go_to "hardware breakpoint further on" $measure "breakpoint"
    go_to "is met again after resume" $measure "breakpoint"
    rbp $measure

    set before [word $heartbeat]
    resume
    for {set i 0} {$i < 50} {incr i} { word $heartbeat }
    verdict [expr {[word $heartbeat] > $before}] "memory is read while it runs" ""
    expect "halt stops it" {halted} {halt; targets}
}

proc watch {} {
    global heartbeat wish chip
    foreach {letter what} {w writing r reading a access} {
        wp $heartbeat 4 $letter
        set bad [catch {go} said]
        verdict [expr {!$bad && [regexp {watchpoint} $said]}] "watchpoint for $what" $said
        rwp $heartbeat
    }
    set before [word $heartbeat]
    wp $heartbeat 4 w
    go
    equal "a watched write stops after the first" [word $heartbeat] [expr {$before + 1}]
    rwp $heartbeat
    resume
    for {set i 0} {$i < 20} {incr i} { word $heartbeat }
    expect "without watchpoints it runs on" {running} {targets}
    halt
}

# Code in RAM: movs r0,#0 / adds r0,#1 / adds r0,#1 / adds r0,#1 / b .-6
proc run_in_ram {} {
    global ram_code
    write_memory $ram_code 16 {0x2000 0x3001 0x3001 0x3001 0xe7fb}
    reg pc $ram_code
    bp [expr {$ram_code + 6}] 2
    go_to "software breakpoint in RAM" [expr {$ram_code + 6}] "breakpoint"
    equal "   two instructions were executed" [register r0] 2
    go_to "   is met again: the code under it is stepped over" [expr {$ram_code + 6}] ""
    equal "   a round has three" [register r0] 5
    rbp [expr {$ram_code + 6}]
    equal "   and leaves no trace" [lindex [read_memory [expr {$ram_code + 6}] 16 1] 0] 0x3001
    for {set i 0} {$i < 4} {incr i} { step }
    equal "four steps" [register r0] 8
}

proc catch_faults {} {
    global wish measure
    expect "vector_catch" {hard_err: catch} {cortex_m vector_catch hard_err}
    reset run
    for {set i 0} {$i < 100} {incr i} { word $wish }
    halt
    bp $measure 2 hw                ;# the program reads its wish and clears it: not between
    go
    rbp $measure
    mww $wish 1
    set bad [catch {go} said]
    verdict [expr {!$bad && ([register xPSR] & 0x1ff) == 3}] \
        "a read of nowhere is caught as HardFault" "$said"
    cortex_m vector_catch none
    reset halt
    expect "reset init after that" {halted} {reset init; targets}
    expect "reset run" {running} {reset run; poll; poll; targets}
    expect "reset halt again" {halted} {reset halt; targets}
}

# nRST is wired too: the same by a wire.
proc reset_by_wire {} {
    global chip reset_handler
    if {$chip eq "nrf51822"} { return }     ;# SWDIO is its reset pin
    if {$chip eq "nrf52840"} {      ;# its pin is none before UICR says so
        flash fillw 0x10001200 18 2
        reset halt
        mww 0x40000400 0xffffffff
    }
    reset_config srst_only [expr {[string match sam* $chip] ? "srst_gates_jtag" : "srst_nogate"}]
    mww 0x20000400 0
    reg r7 0x5a5a5a5a
    expect "reset halt by nRST" {halted} {reset halt; targets}
    equal "   stops before the first instruction" [register pc] [expr {$reset_handler & ~1}]
    verdict [expr {[register r7] != 0x5a5a5a5a}] "   with new registers" ""
    if {$chip eq "nrf52840"} {
        equal "   and RESETREAS says that it was the pin" [word 0x40000400] 1
    }
    expect "reset run by nRST" {running} {reset run; poll; poll; targets}
    halt
    reset_config none
}

# --- the chips' own commands --------------------------------------------------------------------

proc protect_samd21 {} {
    expect "flash protect: a region" {set protection} {flash protect 0 0 0 on}
    expect "   is seen" {protected} {flash info 0}
    refuse "   and not erased" {flash erase_sector 0 0 1}
    expect "   until it is taken back" {cleared protection} {flash protect 0 0 0 off}
    if {$::chip ne "samd21"} {          ;# RWWEE, by hand: OpenOCD does not know it
        mww 0x00400000 0x600dcafe
        mww 0x41004000 0xa51c
        equal "RWWEE is written by commands of its own" [word 0x00400000] 0x600dcafe
    }
    expect "chip-erase" {} {at91samd chip-erase}
    for {set i 0} {$i < 300 && !([lindex [read_memory 0x41002101 8 1] 0] & 1)} {incr i} {}
    equal "   takes all" [word 0x4000] 0xffffffff
}

proc protect_samc21 {} {
    protect_samd21
    equal "chip-erase takes RWWEE, too" [word 0x00400000] 0xffffffff
}
proc protect_saml21 {} { protect_samc21 }

# Time passes with traffic only.
proc wait_for_chip_erase {polls} {
    for {set i 0} {$i < $polls && !([lindex [read_memory 0x41002101 8 1] 0] & 1)} {incr i} {}
}

proc protect_samd51 {} {
    expect "write_image into the second bank" {wrote 32768 bytes} \
        {flash write_image erase $::image 0x000f8000 bin}
    expect "   and over the border between both" {wrote 32768 bytes} \
        {flash write_image erase $::image 0x0007c000 bin}
    expect "   leaves both" {verified 32768 bytes.*verified 32768 bytes} \
        {verify_image $::image 0x000f8000 bin; verify_image $::image 0x0007c000 bin}
    expect "flash protect: a region" {set protection} {flash protect 0 31 31 on}
    expect "   is seen" {# ?31: [^\n]* protected} {flash info 0}
    refuse "   and not erased" {flash erase_sector 0 127 127}
    reset halt
    refuse "   nor after a reset: the user page has it" {flash erase_sector 0 127 127}
    expect "   until it is taken back" {cleared protection} {flash protect 0 31 31 off}
    expect "   and then is" {erased sectors 127} {flash erase_sector 0 127 127}
    expect "bootloader of 16 KB" {first 16384 bytes} {atsame5 bootloader 16384}
    reset halt
    refuse "   is not erased" {flash erase_sector 0 1 1}
    expect "   what is behind it is" {erased sectors 2} {flash erase_sector 0 2 2}
    expect "chip-erase" {started} {atsame5 chip-erase}
    wait_for_chip_erase 70000
    verdict [expr {[word 0] != 0xffffffff}] "   spares the boot loader" ""
    equal "   and takes the rest" [word 0x4000] 0xffffffff
    expect "bootloader: none again" {first 0 bytes} {atsame5 bootloader 0}
    reset halt
    expect "   and its blocks are erased" {erased sectors 0 through 1} {flash erase_sector 0 0 1}
    expect "user page: as delivered" {0xAEECFF80FE9A9239} {atsame5 userpage}
}

proc protect_stm32f103 {} {
    expect "mass_erase" {mass erase complete} {stm32f1x mass_erase 0}
    equal "   takes all" [word 0x08007ffc] 0xffffffff
    expect "flash protect: four pages" {set protection} {flash protect 0 0 3 on}
    reset halt
    expect "   is seen after a reset" {protected} {flash probe 0; flash info 0}
    expect "   until it is taken back" {cleared protection} {flash protect 0 0 3 off}
    reset halt
    expect "lock" {locked} {stm32f1x lock 0}
    reset halt
    refuse "   closes the flash to a debugger" {read_memory 0x08000000 32 1}
    expect "unlock" {unlocked} {stm32f1x unlock 0}
    reset halt
    equal "   opens it, erased" [word 0x08000000] 0xffffffff
}

# nrf52_recover sleeps while the chip erases itself; its time passes with traffic only.
if {$chip eq "nrf52840"} {
    proc sleep {ms} {
        for {set i 0} {$i < $ms} {incr i} { catch {nrf52.dap dpreg 0} }
    }
}

proc protect_nrf51822 {} {
    expect "write_image into the last pages" {wrote [0-9]+ bytes} \
        {flash write_image erase $::image 0x00038000 bin}
    expect "   verified" {verified 32768 bytes} {verify_image $::image 0x00038000 bin}
    expect "UICR is a bank of its own" {10001000} {flash probe 1; flash info 1}
    expect "   and is written" {wrote 8 bytes} {flash fillw 0x10001080 0x600dcafe 2}
    equal "   as flash is" [word 0x10001084] 0x600dcafe
    refuse "   but not erased alone, as no code came with the chip" {flash erase_sector 1 0 0}
    expect "mass_erase" {} {nrf5 mass_erase}
    equal "   takes all" [word 0x00038000] 0xffffffff
    equal "   UICR too" [word 0x10001080] 0xffffffff
    expect "region 0 of 32 KB" {} {flash fillw 0x10001000 0x8000 1}
    reset halt
    expect "   is seen after a reset" {# +31: [^\n]* protected.*# +32: [^\n]* not protected} \
        {flash info 0}
    refuse "   and not erased" {flash erase_sector 0 31 31}
    expect "   what is behind it is" {erased sectors 32} {flash erase_sector 0 32 32}
    expect "RBPCONF.PALL" {} {flash fillw 0x0003fc00 0x12345678 1; mww 0x4001e504 1;
        mww 0x10001004 0xffff00ff; mww 0x4001e504 0}
    equal "   shuts nothing yet" [word 0x0003fc00] 0x12345678
    reset halt
    equal "   from the next reset on flash reads as 0" [word 0x0003fc00] 0
    equal "   UICR tells why" [word 0x10001004] 0xffff00ff
    expect "mass_erase" {} {nrf5 mass_erase}
    reset halt
    equal "   opens it, erased" [word 0x0003fc00] 0xffffffff
    equal "   UICR too" [word 0x10001004] 0xffffffff
}

proc protect_nrf52840 {} {
    expect "write_image into the last page" {wrote [0-9]+ bytes} \
        {flash write_image erase $::image 0x000f8000 bin}
    expect "   verified" {verified 32768 bytes} {verify_image $::image 0x000f8000 bin}
    expect "UICR is a bank of its own" {10001000} {flash probe 1; flash info 1}
    expect "   and is written" {wrote 8 bytes} {flash fillw 0x10001080 0x600dcafe 2}
    equal "   as flash is" [word 0x10001084] 0x600dcafe
    expect "mass_erase" {} {nrf5 mass_erase}
    equal "   takes all" [word 0x000f8000] 0xffffffff
    equal "   UICR too" [word 0x10001080] 0xffffffff
    expect "APPROTECT is programmed" {} {flash fillw 0x10001208 0xffffff00 1}
    equal "   and shuts nothing yet" [word 0x10001208] 0xffffff00
    catch {reset run}
    expect "   from the next reset on CTRL-AP says so" {0x00000000} {nrf52.dap apreg 1 0x0c}
    equal "   CSW.DeviceEn is 0" [expr {[lindex [nrf52.dap apreg 0 0] 0] & 0x40}] 0
    refuse "   flash is closed to a debugger" {read_memory 0x10000100 32 1}
    expect "   OpenOCD knows what it is" {AP lock engaged} {nrf52_check_ap_lock}
    expect "nrf52_recover" {successfully erased and unlocked} {nrf52_recover}
    expect "   opens it" {0x00000001} {nrf52.dap apreg 1 0x0c}
    halt
    equal "   erased" [word 0] 0xffffffff
    equal "   UICR too" [word 0x10001208] 0xffffffff
}

proc protect_stm32f205 {} { protect_stm32f405 }

proc protect_stm32f405 {} {
    expect "write_image into the last sector" {wrote 32768 bytes} \
        {flash write_image erase $::image 0x080f8000 bin}
    expect "   and over the border of the 16 and 64 KB sectors" {wrote [0-9]+ bytes} \
        {flash write_image erase $::image 0x0800c000 bin}
    expect "   leaves both" {verified 32768 bytes.*verified 32768 bytes} \
        {verify_image $::image 0x080f8000 bin; verify_image $::image 0x0800c000 bin}
    expect "OTP is a bank of its own" {0x1fff7800} {flash probe 1; flash info 1}
    expect "mass_erase" {mass erase complete} {stm32f2x mass_erase 0}
    equal "   takes all" [word 0x08007ffc] 0xffffffff
    expect "flash protect: two sectors" {set protection} {flash protect 0 2 3 on}
    reset halt
    expect "   are seen after a reset" {# +3: [^\n]* protected} {flash probe 0; flash info 0}
    refuse "   and not erased" {flash erase_sector 0 2 2}
    expect "   until it is taken back" {cleared protection} {flash protect 0 2 3 off}
    reset halt
    expect "   and then are" {erased sectors 2} {flash erase_sector 0 2 2}
    expect "lock" {locked} {stm32f2x lock 0}
    reset halt
    refuse "   closes the flash to a debugger" {read_memory 0x08000000 32 1}
    equal "   and leaves the registers open" [word 0xe0042000] \
        [expr {$::chip eq "stm32f205" ? 0x20036411 : 0x10076413}]
    expect "unlock" {unlocked} {stm32f2x unlock 0}
    reset halt
    equal "   opens it, erased" [word 0x08000000] 0xffffffff
}

proc protect_stm32f429 {} {
    expect "write_image over the border of the banks" {wrote [0-9]+ bytes} \
        {flash write_image erase $::image 0x080fc000 bin}
    expect "   and into the last sector" {wrote 32768 bytes} \
        {flash write_image erase $::image 0x081f8000 bin}
    expect "   leaves both" {verified 32768 bytes.*verified 32768 bytes} \
        {verify_image $::image 0x080fc000 bin; verify_image $::image 0x081f8000 bin}
    expect "mass_erase" {mass erase complete} {stm32f2x mass_erase 0}
    equal "   takes bank 1" [word 0x08007ffc] 0xffffffff
    equal "   and bank 2" [word 0x081f8000] 0xffffffff
    expect "flash protect: on both sides of the border" {set protection} {flash protect 0 11 12 on}
    reset halt
    expect "   are seen after a reset" {# ?11: [^\n]*\) protected.*# ?12: [^\n]*\) protected} \
        {flash probe 0; flash info 0}
    equal "   sector 12 in the second register" [word 0x40023c18] 0x0ffe0000
    refuse "   and not erased" {flash erase_sector 0 12 12}
    expect "   their neighbour is" {erased sectors 13} {flash erase_sector 0 13 13}
    expect "   until it is taken back" {cleared protection} {flash protect 0 11 12 off}
    reset halt
    expect "   and then are" {erased sectors 11 through 12} {flash erase_sector 0 11 12}
    expect "stm32f2x options_read" {user_options 0x[0-9A-Fa-f]+} {stm32f2x options_read 0}
    expect "lock" {locked} {stm32f2x lock 0}
    reset halt
    refuse "   closes bank 1 to a debugger" {read_memory 0x08000000 32 1}
    refuse "   and bank 2" {read_memory 0x08100000 32 1}
    expect "unlock" {unlocked} {stm32f2x unlock 0}
    reset halt
    equal "   opens it, erased" [word 0x08100000] 0xffffffff
}

# With the options the debug port is a new one, and the next access fails.  The Bus Pirate's
# driver then returns the missing acknowledgement, 7, which Tcl takes for a tail call.
proc load_options {} {
    catch -eval -exit -signal {stm32l4x option_load 0}
    catch -eval -exit -signal {word 0x40022020}
    poll
    reset halt
}

# A chip that was blank at power-on boots ST's loader until the options are loaded anew.
proc leave_boot_loader {} {
    reset halt
    equal "a chip that was empty starts ST's loader still" [register pc] 0x1fff0008
    load_options
    equal "   and its program once the options are loaded" [register pc] \
        [expr {$::reset_handler & ~1}]
}

proc write_both_banks {} {
    set border [expr {0x08000000 + [l4 kb] * 512}]
    set n [expr {[l4 kb] / [l4 page] / 2}]
    set at [expr {$border - 16384}]
    expect "write_image over the border of the banks" {wrote 32768 bytes} \
        "flash write_image erase $::image $at bin"
    expect "   verified" {verified 32768 bytes} "verify_image $::image $at bin"
    expect "flash protect: on both sides of the border" {set protection} \
        "flash protect 0 [expr {$n - 1}] $n on"
    load_options
    expect "   both are seen" "# *[expr {$n - 1}]: \[^\n]*\\) protected.*# *$n: \[^\n]*\\) protected" \
        {flash probe 0; flash info 0}
    refuse "   the second bank's first page is not erased" "flash erase_sector 0 $n $n"
    equal "   and holds what it held" [word $border] [lindex [image_words 16384 1] 0]
    expect "   its neighbour is erased" "erased sectors [expr {$n + 1}]" \
        "flash erase_sector 0 [expr {$n + 1}] [expr {$n + 1}]"
    equal "   alone" [word [expr {$border + 4096}]] [lindex [image_words 20480 1] 0]
    expect "   until it is taken back" {cleared protection} \
        "flash protect 0 [expr {$n - 1}] $n off"
    load_options
    expect "   and then both are" "erased sectors [expr {$n - 1}] through $n" \
        "flash erase_sector 0 [expr {$n - 1}] $n"
}

# A G474 whose banks are one: pages of 4 KB.
proc write_one_bank {} {
    expect "mass_erase before DBANK goes" {} {stm32l4x mass_erase 0}
    expect "   DBANK = 0" {} {stm32l4x option_write 0 0x20 0 0x400000}
    load_options
    expect "   flash is 128 pages of 4 KB" {# *127: 0x0007f000 \(0x1000 4kB\).*single-bank} \
        {flash probe 0; flash info 0 sectors}
    expect "   write_image" {wrote 32768 bytes} {flash write_image erase $::image 0x0803c000 bin}
    expect "   verified" {verified 32768 bytes} {verify_image $::image 0x0803c000 bin}
    expect "   a page is erased" {erased sectors 64} {flash erase_sector 0 64 64}
    equal "   alone" [word 0x08041000] [lindex [image_words 20480 1] 0]
    equal "   as a whole" [word 0x08040ffc] 0xffffffff
    expect "   flash protect" {set protection} {flash protect 0 100 101 on}
    load_options
    expect "   is seen" {# *101: [^\n]*\) protected} {flash probe 0; flash info 0}
    refuse "   and keeps" {flash erase_sector 0 101 101}
    expect "   until it is taken back" {cleared protection} {flash protect 0 100 101 off}
    load_options
    expect "   mass_erase" {} {stm32l4x mass_erase 0}
    equal "   takes all" [word 0x0803c000] 0xffffffff
    expect "   DBANK = 1 again" {} {stm32l4x option_write 0 0x20 0x400000 0x400000}
    load_options
    expect "   and 256 pages" {# *255: 0x0007f800} {flash probe 0; flash info 0 sectors}
}

# Words of the image, as numbers.
proc image_words {offset count} {
    set file [open $::image]
    fconfigure $file -translation binary
    seek $file $offset
    set bytes [read $file [expr {4 * $count}]]
    close $file
    set words {}
    for {set i 0} {$i < $count} {incr i} {
        set word 0
        for {set b 3} {$b >= 0} {incr b -1} {
            scan [string index $bytes [expr {4 * $i + $b}]] %c byte
            set word [expr {$word << 8 | $byte}]
        }
        lappend words $word
    }
    return $words
}

proc protect_l4_kind {} {
    set last [expr {0x08000000 + [l4 kb] * 1024 - 32768}]
    expect "write_image into the last pages" {wrote 32768 bytes} \
        "flash write_image erase $::image $last bin"
    expect "   verified" {verified 32768 bytes} "verify_image $::image $last bin"
    if {[l4 banks] == 2} write_both_banks
    if {$::chip eq "stm32g474"} write_one_bank
    expect "mass_erase" {} {stm32l4x mass_erase 0}
    equal "   takes all" [word $last] 0xffffffff
    expect "flash protect: two pages" {set protection} {flash protect 0 2 3 on}
    load_options
    expect "   are seen after the loading" {# +3: [^\n]* protected} {flash probe 0; flash info 0}
    refuse "   and not erased" {flash erase_sector 0 2 2}
    expect "   until it is taken back" {cleared protection} {flash protect 0 2 3 off}
    load_options
    expect "   and then are" {erased sectors 2} {flash erase_sector 0 2 2}
    expect "option_write" {} {stm32l4x option_write 0 0x20 0 0x40000}
    load_options
    equal "   takes a bit of OPTR back" [word 0x40022020] [expr {[l4 optr] & ~0x40000}]
    expect "   and sets it" {} {stm32l4x option_write 0 0x20 0x40000 0x40000}
    load_options
    expect "lock" {} {stm32l4x lock 0}
    load_options
    refuse "   closes the flash to a debugger" {read_memory 0x08000000 32 1}
    equal "   and leaves the registers open" [word [l4 idcode]] [l4 id]
    expect "unlock" {} {stm32l4x unlock 0}
    load_options
    equal "   opens it, erased" [word 0x08000000] 0xffffffff
    equal "   options as before" [word 0x40022020] [l4 optr]
}

# An F0 or F3 loads its options when told so, an F1 at each reset.
proc load_f1_options {} {
    if {[has_levels]} { catch {stm32f1x options_load 0} }
    catch {poll}
    catch {reset halt}
}

proc protect_f1_kind {} {
    set last [expr {0x08000000 + [f1 kb] * 1024 - 32768}]
    expect "write_image into the last pages" {wrote 32768 bytes} \
        "flash write_image erase $::image $last bin"
    expect "   verified" {verified 32768 bytes} "verify_image $::image $last bin"
    if {[f1 banks] == 2} {
        expect "write_image into the second bank" {wrote 32768 bytes} \
            {flash write_image erase $::image 0x080f8000 bin}
        expect "   verified" {verified 32768 bytes} {verify_image $::image 0x080f8000 bin}
        expect "   mass_erase of it" {mass erase complete} {stm32f1x mass_erase 1}
        equal "   takes it" [word 0x080f8000] 0xffffffff
        expect "   alone" {verified 32768 bytes} "verify_image $::image $last bin"
    }
    expect "mass_erase" {mass erase complete} {stm32f1x mass_erase 0}
    equal "   takes all" [word $last] 0xffffffff
    set n [expr {4 / [f1 page] - 1}]
    expect "flash protect: 4 KB" {set protection} {flash protect 0 0 0 on}
    load_f1_options
    expect "   are seen when the options are loaded" {# +0: [^\n]*\) protected} \
        {flash probe 0; flash info 0}
    refuse "   and not erased" {flash erase_sector 0 0 0}
    expect "   their neighbour is" {erased sectors} "flash erase_sector 0 [expr {$n + 1}] [expr {$n + 1}]"
    expect "   until it is taken back" {cleared protection} {flash protect 0 0 0 off}
    load_f1_options
    expect "   and then are" {erased sectors} {flash erase_sector 0 0 0}
    expect "lock" {locked} {stm32f1x lock 0}
    load_f1_options
    refuse "   closes the flash to a debugger" {read_memory 0x08000000 32 1}
    equal "   and leaves the registers open" [word [f1 idcode]] [f1 id]
    halt
    expect "unlock" {unlocked} {stm32f1x unlock 0}
    load_f1_options
    equal "   opens it, erased" [word 0x08000000] 0xffffffff
    expect "   options as before" {not protected|read protection: off} {stm32f1x options_read 0}
}

proc protect_sam3x8e {} {
    reset halt
    expect "write_image into the second bank" {wrote 32768 bytes} \
        {flash write_image erase $::image 0x000c8000 bin}
    expect "   verified" {verified 32768 bytes} {verify_image $::image 0x000c8000 bin}
    expect "flash protect" {set protection} {flash protect 1 2 3 on}
    expect "   is seen" {# *2: [^\n]*\) protected} {flash probe 1; flash info 1}
    refuse "   and keeps" {flash fillw 0x000c8000 0 16}
    expect "   until it is taken back" {cleared protection} {flash protect 1 2 3 off}
    expect "   and then does not" {wrote 64 bytes} {flash fillw 0x000c8000 0 16}
    expect "gpnvm clear 1" {} {at91sam3 gpnvm clear 1}
    reset halt
    equal "   starts the ROM" [register pc] 0x00100008
    expect "gpnvm set 1" {} {at91sam3 gpnvm set 1}
    reset halt
    equal "   and the flash again" [register pc] [expr {$::reset_handler & ~1}]
    expect "all of bank 1 erased" {} {flash erase_sector 1 0 last}
    equal "   is" [word 0x000c8000] 0xffffffff
    equal "   alone" [word $::base] $::stack
}

proc protect_sam4s16 {} {
    reset halt
    expect "write_image into the last sectors" {wrote 32768 bytes} \
        {flash write_image erase $::image 0x004f8000 bin}
    expect "   verified" {verified 32768 bytes} {verify_image $::image 0x004f8000 bin}
    expect "flash erase_sector: the last" {erased sectors 127} {flash erase_sector 0 127 127}
    equal "   is" [word 0x004fe000] 0xffffffff
    verdict [expr {[word 0x004fdffc] != 0xffffffff}] "   alone" ""
    expect "flash protect" {set protection} {flash protect 0 12 13 on}
    mww 0x400e0a04 0x5a00000a               ;# its flash info reads the last 32 bits only
    equal "   is in the lock bits" [word 0x400e0a0c] 0x3000
    refuse "   and keeps" {flash erase_sector 0 12 12}
    expect "   until it is taken back" {cleared protection} {flash protect 0 12 13 off}
    expect "   and then does not" {erased sectors 12} {flash erase_sector 0 12 12}
    expect "gpnvm clear 1" {} {at91sam4 gpnvm clear 1}
    reset halt
    equal "   starts the ROM" [register pc] 0x00800008
    expect "gpnvm set 1" {} {at91sam4 gpnvm set 1}
    reset halt
    equal "   and the flash again" [register pc] [expr {$::reset_handler & ~1}]
}

# A store to the EEPROM, which needs but the first two keys.
proc write_eeprom {address value} {
    mww [expr {[lx flash] + 0x0c}] 0x89abcdef
    mww [expr {[lx flash] + 0x0c}] 0x02030405
    mww $address $value
    mww [expr {[lx flash] + 0x04}] 7
}

proc protect_lx_kind {} {
    set last [expr {0x08000000 + [lx kb] * 1024 - 32768}]
    expect "write_image into the last pages" {wrote 32768 bytes} \
        "flash write_image erase $::image $last bin"
    expect "   verified" {verified 32768 bytes} "verify_image $::image $last bin"
    expect "words beside half pages" {wrote 32736 bytes} \
        "flash erase_address [expr {$last - 4096}] 36864; flash write_bank 0 $::image [expr {$last - 0x08000000 - 24}]; echo {wrote 32736 bytes}"
    expect "   are there, too" {verified 32768 bytes} \
        "verify_image $::image [expr {$last - 24}] bin"
    write_eeprom 0x08080000 0x12345678
    equal "a word of the EEPROM" [word 0x08080000] 0x12345678
    equal "flash is locked" [expr {[word [expr {[lx flash] + 4}]] & 7}] 7
    expect "mass_erase, by way of protection level 1" {mass erase complete} \
        {stm32lx mass_erase 0}
    equal "   takes all" [word $last] 0
    equal "   and the EEPROM" [word 0x08080000] 0
    reset halt
    expect "write_image after that" {wrote 32768 bytes} \
        {flash write_image erase $::image 0x08000000 bin}
    write_eeprom 0x08080004 0x9abcdef0
    expect "lock" {locked} {stm32lx lock 0}
    equal "   is not in force before the options are loaded" [word 0x08080004] 0x9abcdef0
    launch_lx_options
    refuse "   closes the flash to a debugger" {read_memory 0x08000000 32 1}
    refuse "   and the EEPROM" {read_memory 0x08080004 32 1}
    equal "   and leaves the registers open" [word [lx idcode]] [lx id]
    halt
    expect "unlock" {unlocked} {stm32lx unlock 0}
    launch_lx_options
    equal "   opens it, erased" [word 0x08000000] 0
    equal "   with the EEPROM" [word 0x08080004] 0
    equal "   options as before" [word [expr {[lx flash] + 0x1c}]] [lx obr]
}

proc launch_lx_options {} {
    catch {mww [expr {[lx flash] + 4}] 0x40000}
    catch {poll}
    catch {reset halt}
}

# caches DO: what a halted program left in SRAM1, asked through the data cache and beside it.
proc read_sram {through_cache} {
    stm32f7x.dap apcsw [expr {$through_cache ? 0x08000000 : 0}] 0x08000000
    set value [word 0x20010000]
    stm32f7x.dap apcsw 0x08000000 0x08000000
    return $value
}

proc caches_stm32f746 {} {
    reset halt
    foreach line {0 1 2 3} { mww 0xe000ef50 0 }         ;# ICIALLU
    for {set i 0} {$i < 128} {incr i} {                 ;# DCISW: 32 sets, 4 ways
        mww 0xe000ef60 [expr {($i & 3) << 30 | ($i >> 2) << 5}]
    }
    mww 0x20010000 0x11111111
    mww 0xe000ed14 0x00070200                           ;# CCR: both on
    # ldr r1,[r0] / str r2,[r0] / b .
    write_memory 0x20001800 16 {0x6801 0x6002 0xe7fe}
    reg r0 0x20010000
    reg r2 0x22222222
    reg pc 0x20001800
    step
    step
    equal "what the core wrote is in its data cache" [read_sram 1] 0x22222222
    equal "   and not in memory" [read_sram 0] 0x11111111
    mww 0xe000ef68 0x20010000                           ;# DCCMVAC
    equal "   before its line is cleaned" [read_sram 0] 0x22222222
}

proc protect_stm32f746 {} {
    caches_stm32f746
    reset halt
    expect "write_image into the last sector" {wrote 32768 bytes} \
        {flash write_image erase $::image 0x080f8000 bin}
    expect "   and over the border of the 32 and 128 KB sectors" {wrote [0-9]+ bytes} \
        {flash write_image erase $::image 0x0801c000 bin}
    expect "   leaves both" {verified 32768 bytes.*verified 32768 bytes} \
        {verify_image $::image 0x080f8000 bin; verify_image $::image 0x0801c000 bin}
    expect "   and by ITCM they are the same" {verified 32768 bytes} \
        {verify_image $::image 0x0021c000 bin}
    expect "OTP is a bank of its own" {0x1ff0f000} {flash probe 1; flash info 1}
    expect "mass_erase" {mass erase complete} {stm32f2x mass_erase 0}
    equal "   takes all" [word 0x08007ffc] 0xffffffff
    expect "flash protect: two sectors" {set protection} {flash protect 0 6 7 on}
    reset halt
    expect "   are seen after a reset" {# +7: [^\n]*\) protected} {flash probe 0; flash info 0}
    refuse "   and not erased" {flash erase_sector 0 7 7}
    expect "   until it is taken back" {cleared protection} {flash protect 0 6 7 off}
    reset halt
    expect "   and then are" {erased sectors 7} {flash erase_sector 0 7 7}
    expect "stm32f2x options_read" {user_options 0xCFC, boot_add0 0x0080, boot_add1 0x0040} \
        {stm32f2x options_read 0}
    expect "options_write: boot by AXIM" {} {stm32f2x options_write 0 0xCFC 0x2000 0x0040}
    reset halt
    equal "   is in the second register" [word 0x40023c18] 0x00402000
    equal "   and in VTOR" [word 0xe000ed08] 0x08000000
    expect "lock" {locked} {stm32f2x lock 0}
    reset halt
    refuse "   closes the flash to a debugger" {read_memory 0x08000000 32 1}
    refuse "   by ITCM, too" {read_memory 0x00200000 32 1}
    equal "   and leaves the registers open" [word 0xe0042000] 0x10016449
    expect "unlock" {unlocked} {stm32f2x unlock 0}
    reset halt
    equal "   opens it, erased" [word 0x08000000] 0xffffffff
}

# OpenOCD 0.12 reads nDBANK when it probes, and is made to probe again.
proc protect_stm32f767 {} {
    reset halt                                          ;# with its caches off
    expect "write_image into the last sector" {wrote 32768 bytes} \
        {flash write_image erase $::image 0x081f8000 bin}
    expect "   and over the border of the 32 and 128 KB sectors" {wrote [0-9]+ bytes} \
        {flash write_image erase $::image 0x0801c000 bin}
    expect "   leaves both" {verified 32768 bytes.*verified 32768 bytes} \
        {verify_image $::image 0x081f8000 bin; verify_image $::image 0x0801c000 bin}
    expect "mass_erase" {mass erase complete} {stm32f2x mass_erase 0}
    equal "   takes the first" [word 0x0801fffc] 0xffffffff
    equal "   and the last sector" [word 0x081f8000] 0xffffffff
    expect "options_write: nDBANK = 0" {} {stm32f2x options_write 0 0xdfc 0x0080 0x0040}
    equal "   is in OPTCR from the next reset on" [optcr_after_reset] 0xdfffaafd
    expect "   flash is two banks of 12 sectors" \
        {# ?11: 0x000e0000 \(0x20000.*# ?12: 0x00100000 \(0x4000.*# ?16: 0x00110000 \(0x10000.*# ?23: 0x001e0000 \(0x20000} \
        {flash probe 0; flash info 0 sectors}
    expect "   write_image over their border" {wrote [0-9]+ bytes} \
        {flash write_image erase $::image 0x080fe000 bin}
    expect "   verified" {verified 32768 bytes} {verify_image $::image 0x080fe000 bin}
    expect "   sector 12 is erased" {erased sectors 12} {flash erase_sector 0 12 12}
    equal "   alone: before it" [word 0x080ffffc] [lindex [image_words 8188 1] 0]
    equal "   it" [word 0x08100000] 0xffffffff
    equal "   and behind it" [word 0x08104000] [lindex [image_words 24576 1] 0]
    expect "flash protect: a pair of sectors" {set protection} {flash protect 0 6 6 on}
    reset halt
    refuse "   is not erased" {flash erase_sector 0 12 12}
    expect "   until it is taken back" {cleared protection} {flash protect 0 6 6 off}
    reset halt
    expect "mass_erase" {mass erase complete} {stm32f2x mass_erase 0}
    equal "   takes bank 1" [word 0x080fe000] 0xffffffff
    expect "lock" {locked} {stm32f2x lock 0}
    reset halt
    refuse "   closes bank 1 to a debugger" {read_memory 0x08000000 32 1}
    refuse "   and bank 2, by ITCM, too" {read_memory 0x00300000 32 1}
    expect "unlock" {unlocked} {stm32f2x unlock 0}
    reset halt
    equal "   opens it, erased" [word 0x08100000] 0xffffffff
    expect "options_write: nDBANK = 1" {} {stm32f2x options_write 0 0xffc 0x0080 0x0040}
    equal "   one bank again" [optcr_after_reset] 0xffffaafd
}

proc optcr_after_reset {} {
    reset halt
    word 0x40023c14
}

# 232 cells in fields of 32 bits, cell 0 first; `third` are the cells 64 to 95, in which
# PA9 has its input, output and control, in this order.  Gives what its input was.
proc scan_cells {third} {
    set ones 0xffffffff
    set seen [lindex [drscan stm32f1x.bs 32 $ones 32 $ones 32 $third 32 $ones 32 $ones 32 $ones 32 $ones \
        8 0xff] 2]
    expr "0x$seen & 1"
}

proc boundary_scan_stm32f103 {} {
    if {![string match *jtag* [transport select]]} { return }
    poll off
    irscan stm32f1x.bs 2
    scan_cells 0xfffffffb
    irscan stm32f1x.bs 0
    equal "boundary scan: EXTEST drives PA9 high" [scan_cells 0xfffffff9] 1
    equal "   and low" [scan_cells 0xffffffff] 0
    irscan stm32f1x.bs 1
    equal "   and IDCODE is this TAP's" [drscan stm32f1x.bs 32 0] 16410041
    poll on
}

# What targets' files of OpenOCD do around a reset with the adapter's speed, which the Bus
# Pirate's driver has not.
proc adapter_has_one_speed {} {
    rename adapter real_adapter
    proc adapter {what args} {
        if {$what ne "speed"} { real_adapter $what {*}$args }
    }
}

# --- all of it ----------------------------------------------------------------------------------

proc judge {} {
    global chip
    init
    adapter_has_one_speed
    reset halt
    find_chip
    look_at_memory
    write_flash
    if {[info exists ::l4_kind($chip)] && [l4 empty]} { leave_boot_loader }
    run_program
    watch
    run_in_ram
    catch_faults
    reset_by_wire
    if {[info exists ::l4_kind($chip)]} {
        protect_l4_kind
    } elseif {[info exists ::lx_kind($chip)]} {
        protect_lx_kind
    } elseif {[info exists ::f1_kind($chip)]} {
        protect_f1_kind
    } else {
        protect_$chip
    }
    if {$chip eq "stm32f103"} { boundary_scan_stm32f103 }
}

if {[catch {judge} why]} { verdict 0 "all steps" $why }
finish
