# Bytes out of /dev/ttyACM1 and back, over a wire from TX to RX.
#
# 9600 baud takes 107 s for 100 KB, of the board's time: that board runs as fast as it can
# (--speed max).
. ./lib.sh

board --flash pillbug.bin --loop
check "the probe is plugged in" plug
wait_for 5 test -c /dev/ttyACM1
for baud in 115200 1000000; do
    check "100 KB come back at $baud baud" python3 echo.py /dev/ttyACM1 $baud 102400
done
check "7 bits and even parity come back" python3 echo.py /dev/ttyACM1 115200 2048 7E1
check "8 bits, odd parity, two stop bits" python3 echo.py /dev/ttyACM1 57600 2048 8O2
stop_board
board --flash pillbug.bin --loop --speed max
check "the fast board is plugged in" plug
wait_for 5 test -c /dev/ttyACM1
check "100 KB come back at 9600 baud" python3 echo.py /dev/ttyACM1 9600 102400
finish
