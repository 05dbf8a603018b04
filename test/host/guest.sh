#!/bin/sh
# guest.sh FOLDER - makes a Linux guest: FOLDER/vmlinuz, FOLDER/initrd, FOLDER/udev.
#
#   called by  run.sh      calls  apt-get download, dpkg-deb, cpio
#
# The kernel, a static busybox and udevd are Debian's own, fetched as packages and unpacked into
# FOLDER: nothing is installed, nothing of this machine's boot is touched.  The initrd holds
# busybox, init.sh, and the few modules named here with what they depend on.  udevd is there
# because libusb learns of new devices from it.  Everything else the guest uses is this
# machine's own root, which it mounts read-only over 9p (see init.sh).
#
# Made once: a second call finds the files and does nothing, until one of the sources of
# the initrd is newer.
set -eu

folder=$1
here=$(cd "$(dirname "$0")" && pwd)
modules="virtio_pci virtio_net 9pnet_virtio 9p vhci-hcd cdc-acm
         usbhid hid-generic usb-storage sd_mod snd-usb-audio"

if [ -e "$folder/initrd" ] && [ "$folder/initrd" -nt "$here/init.sh" ] &&
   [ "$folder/initrd" -nt "$here/guest.sh" ]; then
    exit 0
fi
mkdir -p "$folder"
cd "$folder"

# fetch PACKAGE: into FOLDER, unless it is there.
fetch() {
    ls "./$1"_*.deb >/dev/null 2>&1 && return
    echo "Fetching $1 for the guest ..."
    if ! apt-get download "$1" >download.log 2>&1; then
        cat download.log
        echo "The guest needs the package $1, which could not be fetched: apt-get download" \
             "$1 (after apt-get update) shows why."
        exit 1
    fi
}
# linux-image-amd64 is empty and depends on the package of the present version.
kernel=$(ls ./linux-image-*.deb 2>/dev/null | sed 's|^\./||; s|_.*||' | head -1)
[ -n "$kernel" ] || kernel=$(apt-cache depends linux-image-amd64 2>/dev/null |
    sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
fetch "${kernel:-linux-image-amd64}"
fetch busybox-static
fetch udev
fetch libkmod2

rm -rf root unpacked udev initrd
mkdir -p udev unpacked root/bin root/proc root/sys root/dev root/host root/modules
dpkg-deb -x ./udev_*.deb unpacked
dpkg-deb -x ./libkmod2_*.deb unpacked
cp unpacked/bin/udevadm unpacked/usr/lib/*/libkmod.so.2 udev/
dpkg-deb --fsys-tarfile ./linux-image-*.deb | tar -x -C unpacked --wildcards \
    './boot/vmlinuz*' './lib/modules/*/kernel/*' './lib/modules/*/modules.*'
dpkg-deb --fsys-tarfile ./busybox-static_*.deb | tar -xO ./bin/busybox >root/bin/busybox
chmod +x root/bin/busybox
cp unpacked/boot/vmlinuz* vmlinuz
version=$(ls unpacked/lib/modules)
root/bin/busybox depmod -b unpacked "$version"

# modules.dep says "A: B C" with B loaded after C; so read each line from its end.
list=$(for module in $modules; do
    sed -n "s|^\(.*/$module\.ko[.a-z]*\): *\(.*\)|\1 \2|p" \
        "unpacked/lib/modules/$version/modules.dep" |
        awk '{ for (i = NF; i > 0; i--) print $i }'
done | awk '!seen[$0]++')
for file in $list; do
    cp "unpacked/lib/modules/$version/$file" root/modules/
    basename "$file" >>root/modules/order
done
cp "$here/init.sh" root/init
chmod +x root/init
(cd root && find . | cpio --quiet -o -H newc | gzip -1) >initrd.new
rm -rf unpacked root
mv initrd.new initrd
