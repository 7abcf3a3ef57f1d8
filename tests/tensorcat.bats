# tensorcat and the streams that it reads and writes: values first, then every way in which an input can be wrong.
load helper

setup() {
    helper_setup
}

# container JSON [DATA]: a safetensors container with that header, byte for byte, and printf-style DATA
container() {
    local n=${#1} i
    for ((i = 0; i < 8; i++)); do printf "\\x$(printf %02x $((n >> 8 * i & 255)))"; done
    printf '%s' "$1"
    printf "${2:-}"
}

# says TEXT: what comes in is exactly these lines
says() {
    diff - <(printf '%b\n' "$1")
}

# refused FILE WHY: --check ends with 1 and says why, and so does reading it, from a file and from a pipe
refused() {
    run -1 --separate-stderr tensorcat --check "$1"
    [[ $stderr == "tensorcat: $1: "*"$2"* && -z $output ]] || { echo "$stderr"; return 1; }
    ((${#stderr_lines[@]} == 1))
    run -1 tensorcat -o out.t "$1"
    [[ ! -e out.t ]]
    cat "$1" >piped
    run -1 --separate-stderr bash -c 'cat piped | tensorcat --check'
    [[ $stderr == "tensorcat: standard input: "* ]]
}

# ---- values

@test "tensorcat: what tgen wrote comes back from every form, by file, redirection and pipe" {
    tgen -n w -s 2x3 1 -2 0.5 nan inf 1e-3 >s.t
    tensorcat -z 0 s.t >bare.t
    tensorcat -o plain.safetensors s.t
    gzip -c bare.t >zlib.t
    gzip -c plain.safetensors >plain.gz
    head -c 100 bare.t | gzip >members.t
    tail -c +101 bare.t | gzip >>members.t
    for f in s.t bare.t plain.safetensors zlib.t plain.gz members.t; do
        tensorcat --check $f
        tensorcat --to=text $f >got
        diff got - <<<$'1 -2 0.5\nNaN Inf 0.001'
        tensorcat --to=text <$f | cmp - got
        cat $f | tensorcat --to=text | cmp - got
    done
}

@test "tensorcat: a stream is gzip, and ends with the empty block of the SAM specification" {
    tgen 1 2 3 >s.t
    gzip -t s.t
    gzip -dc s.t >bare.t
    tensorcat --to=text bare.t | says '1\n2\n3'
    tail -c 28 s.t | od -An -v -tx1 | tr -d ' \n' >end
    [[ $(<end) == 1f8b08040000000000ff0600424302001b0003000000000000000000 ]]
}

@test "tensorcat: --list names frame, tensor, dtype and shape; --meta what is said of the frame" {
    tgen -n h.0.w -s 2x2 -d BF16 -m kind=weights,lang=swh 1 2 3 4 >a.t
    tgen -n 'odd "name", this' -s scalar -d I64 7 >b.t
    tensorcat a.t b.t >s.t
    tensorcat -l s.t | diff - <(printf '%s\n' file,frame,name,dtype,shape,n,bytes s.t,0,h.0.w,BF16,2x2,4,8 \
        's.t,1,"odd ""name"", this",I64,scalar,1,8')
    tensorcat -l a.t b.t | cut -d, -f1,2 | says 'file,frame\na.t,0\nb.t,0' # frames are the file's
    tensorcat --meta s.t >meta
    grep -qx 's.t,0,kind,weights' meta
    grep -qx 's.t,0,lang,swh' meta
    run ! grep -q '^s.t,.,frame,' meta
}

@test "tensorcat: history has a line for each program, oldest first, without file names or threads" {
    tgen -n w 1 >a.t
    tensorcat -j 2 --only='w*' a.t | tensorcat -o b.t
    tensorcat --meta b.t | sed -n 's/.*history,//; 2,$p' | diff - <(printf '%s\n' \
        '"tensorcat 0.1.0 --from text --name w' 'tensorcat 0.1.0 --only w*' 'tensorcat 0.1.0"')
}

@test "tensorcat: text takes every dtype, exactly, and gives it back" {
    tgen -d F64 0.1 -1e308 5e-324 | tensorcat --to=text | says '0.1\n-1e+308\n4.94065645841247e-324'
    tgen -d F32 0.1 16777217 3e38 | tensorcat --to=text | says '0.1\n16777216\n3e+38'
    tgen -d F16 0.1 65519 65520 | tensorcat --to=text | says '0.099975586\n65504\nInf'
    tgen -d BF16 0.1 3.4e38 257 | tensorcat --to=text | says '0.100097656\nInf\n256'
    tgen -d I64 9223372036854775807 -9223372036854775808 | tensorcat --to=text |
        says '9223372036854775807\n-9223372036854775808'
    tgen -d U8 0 255 | tensorcat --to=text | says '0\n255'
    tgen -d BOOL 0 1 | tensorcat --to=text | says '0\n1'
    for bad in 'U8 256' 'U8 -1' 'I8 128' 'I16 40000' 'I32 3000000000' 'BOOL 2' 'I64 9223372036854775808' 'I8 1.5' 'F32 x' \
        'F32 0x10' 'F32 1e999'; do
        run -1 --separate-stderr bash -c "echo ${bad#* } | tensorcat --from=text --dtype=${bad% *}"
        [[ $stderr == "tensorcat: standard input: line 1: '${bad#* }'"* ]]
    done
}

@test "tensorcat: the shape of text is its own, or the one asked for" {
    printf '1, 2,3\n\n4\t5 6\n' >m.txt
    tensorcat --from=text m.txt | tensorcat -l | grep -qx -- '-,0,m,F32,2x3,6,24'
    tensorcat --from=text --shape=3x2x1 m.txt | tensorcat --to=text | diff - <(seq 6)
    seq 5 | tensorcat --from=text | tensorcat -l | grep -qx -- '-,0,x,F32,5,5,20'
    tensorcat --from=text /dev/null | tensorcat -l | grep -qx -- '-,0,null,F32,0,0,0'
    for bad in '1,,3' ',1' '1,2,' '1 , , 2'; do
        run -1 --separate-stderr bash -c "echo '$bad' | tensorcat --from=text"
        [[ $stderr == "tensorcat: standard input: line 1: a cell is empty"* ]]
    done
    run -1 bash -c "echo '1,5;3' | tensorcat --from=text"
    run -1 --separate-stderr bash -c "printf '1 2\n3\n' | tensorcat --from=text"
    [[ $stderr == *"line 2: has 1 numbers, lines before have 2"* ]]
    run -1 --separate-stderr tensorcat --from=text --shape=5 m.txt
    [[ $stderr == *"6 numbers do not fill the shape 5" ]]
    run -2 tensorcat --from=text --shape=2x m.txt
    run -2 tensorcat --shape=2 m.txt
}

@test "tensorcat: --to=csv has a row for each value, with its place" {
    tgen -n a -s 2x1x2 1 2 3 4.5 >a.t
    tgen -n b 7 >b.t
    tensorcat --to=csv a.t b.t | diff - <(printf '%s\n' frame,name,row,col,value 0,a,0,0,1 0,a,0,1,2 0,a,1,0,3 0,a,1,1,4.5 \
        1,b,0,0,7)
}

@test "tensorcat: --only and --skip choose by name; nothing chosen is an error" {
    tgen -n h.0.w 1 >a.t
    tgen -n h.1.w 2 >b.t
    tgen -n h.1.b 3 >c.t
    tensorcat a.t b.t c.t >s.t
    tensorcat --only='h.1.*,h.0.b' --skip='*.b' s.t | tensorcat -l | cut -d, -f2,3 | says 'frame,name\n0,h.1.w'
    tensorcat -l --skip='h.1*' s.t | cut -d, -f3 | says 'name\nh.0.w'
    run -1 --separate-stderr tensorcat --only=nothing -o out.t s.t
    [[ $stderr == "tensorcat: no tensor matches" && ! -e out.t ]]
    run -1 --separate-stderr tensorcat --to=npy -o out.npy s.t
    [[ $stderr == *"choose with --only"* && ! -e out.npy ]]
}

@test "tensorcat: --dtype rounds to nearest even and saturates" {
    tgen -n a 1.5 2.5 -300 nan 1e10 >a.t
    tensorcat --dtype=I8 a.t | tensorcat --to=text | diff - <(printf '%s\n' 2 2 -128 0 127)
    tensorcat --dtype=F16 --to=text a.t | diff - <(printf '%s\n' 1.5 2.5 -300 NaN Inf)
    tgen -d I64 9007199254740993 | tensorcat --dtype=F64 --to=text | says 9007199254740992
    seq 0 99999 | tensorcat --from=text --dtype=I32 | tensorcat --dtype=F32 | tensorcat --to=text | cmp - <(seq 0 99999)
}

@test "tensorcat: .npy files of every version, order and endianness say what numpy says" {
    for f in "$DATA"/npy/*.npy; do
        name=$(basename "$f" .npy)
        tensorcat --to=text "$f" | diff - "$DATA/npy/$name.txt"
        cat "$f" | tensorcat --name="$name" | tensorcat --to=text | diff - "$DATA/npy/$name.txt"
        tensorcat -l "$f" | tail -1 | cut -d, -f3 | grep -qx "$name"
    done
}

@test "tensorcat: what it writes as .npy is what numpy writes, byte for byte" {
    for name in f4 f2 i1 bool_scalar i4_empty; do
        tensorcat "$DATA/npy/$name.npy" | tensorcat --to=npy | cmp - "$DATA/npy/$name.npy"
    done
    tgen -d BF16 1 2 | tensorcat --to=npy | tensorcat --to=npy --dtype=F32 | tensorcat --to=text | says '1\n2'
}

# ---- plain files

@test "tensorcat: a plain file made by others is read in the order of its data" {
    container '{"b":{"data_offsets":[4,6],"dtype":"I8","shape":[2]},"__metadata__":{"format":"pt"},
"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]}}   ' \
        '\0\0\x80\x3f\x05\xfb' >odd
    tensorcat --to=csv odd | diff - <(printf '%s\n' frame,name,row,col,value 0,a,0,0,1 0,b,0,0,5 0,b,1,0,-5)
    tensorcat -l odd | cut -d, -f3 | diff - <(printf '%s\n' name a e b)
    container '{}' >none
    tensorcat --check none
    container '{"__metadata__":{"format":"pt"}}' >none
    tensorcat --check none
}

@test "tensorcat: a tensor without elements may come first" {
    container '{"a":{"dtype":"I32","shape":[0],"data_offsets":[0,0]}}' >empty.safetensors
    tensorcat empty.safetensors | tensorcat --list | grep -q ',a,I32,0,0,0$'
    tensorcat empty.safetensors | tensorcat --to=npy | tail -c +129 | cmp - /dev/null
    tensorcat --from=text --to=npy </dev/null | tail -c +129 | cmp - /dev/null
}

@test "tensorcat: a header whose length looks like gzip is not taken for it" {
    rest='":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    name=$(head -c $((0x088b1f - 2 - ${#rest})) /dev/zero | tr '\0' x)
    container "{\"$name$rest" 'A' >long
    [[ $(head -c 4 long | od -An -tx1) == " 1f 8b 08 00" ]]
    tensorcat --to=text long | says 65
}

@test "tensorcat: -o NAME.safetensors merges frames, aligns every tensor and pads the header to 8" {
    tgen -n byte -d U8 1 2 3 >a.t
    tgen -n half -d F16 1 >b.t
    tgen -n wide -d F64 1.25 >c.t
    tgen -n four -d I32 9 >d.t
    tgen -n wide2 -d I64 5 >e.t
    tensorcat -o all.safetensors a.t b.t c.t d.t e.t
    tensorcat -l all.safetensors | cut -d, -f2,3 | diff - <(printf '%s\n' frame,name 0,wide 0,wide2 0,four 0,half 0,byte)
    tensorcat --to=csv all.safetensors | cut -d, -f2,5 |
        diff - <(printf '%s\n' name,value wide,1.25 wide2,5 four,9 half,1 byte,1 byte,2 byte,3)
    (($(head -c 1 all.safetensors | od -An -tu1) % 8 == 0))
    tensorcat --meta all.safetensors | grep -q history
    # a single frame that holds them all goes to its place in one pass, and is the same
    tensorcat all.safetensors | tensorcat -o again.safetensors
    cmp <(tail -c 25 all.safetensors) <(tail -c 25 again.safetensors)
    run -1 --separate-stderr tensorcat -o twice.safetensors a.t a.t
    [[ $stderr == *"two tensors are called 'byte'"* && ! -e twice.safetensors ]]
    mkfifo pipe.safetensors
    run -1 --separate-stderr timeout 5 tensorcat -o pipe.safetensors a.t 3<>pipe.safetensors
    [[ $stderr == *"must be a regular file" ]]
    [[ $(ls) != *tmp* ]]
}

@test "tensorcat: stdin is read from where it stands" {
    tgen 1 2 3 >s.t
    tensorcat -z 0 s.t >bare.t
    for f in s.t bare.t; do
        { printf 'a line\n'; cat $f; } >behind
        { read -r line; tensorcat --to=text; } <behind | says '1\n2\n3'
    done
}

@test "tensorcat: a file of many GB is mapped, and what is not asked for is not read" {
    container '{"a":{"dtype":"U8","shape":[9000000000],"data_offsets":[0,9000000000]},"b":{"dtype":"F32","shape":[2],"data_offsets":[9000000000,9000000008]}}' >big
    truncate -s +9000000000 big || skip "no sparse files here"
    printf '\0\0\x80\x3f\0\0\0\x40' >>big
    timeout 5 tensorcat -l big | grep -q '^big,0,a,U8,9000000000,9000000000,9000000000$'
    timeout 5 tensorcat --only=b --to=text big | says '1\n2'
}

# ---- compression and threads

@test "tensorcat: the bytes do not depend on threads, nor what they say on the level" {
    seq 1 700000 >digits
    gzip -1 <digits | cat - digits digits >mixed # what does not shrink beside what does, some MB
    container "{\"x\":{\"dtype\":\"U8\",\"shape\":[$(stat -c %s mixed)],\"data_offsets\":[0,$(stat -c %s mixed)]}}" >s
    cat mixed >>s
    tensorcat -z 0 s >bare.t
    for z in 1 6; do
        tensorcat -z $z s >$z.t
        for j in 2 5; do tensorcat -j $j -z $z s | cmp - $z.t; done
        gzip -dc $z.t | cmp - bare.t
        for j in 1 2 5; do tensorcat -j $j --to=npy $z.t | tail -c +129 | cmp - mixed; done
        cat $z.t | tensorcat -j 3 --check
    done
    (($(stat -c %s 6.t) < $(stat -c %s 1.t) && $(stat -c %s 1.t) < $(stat -c %s mixed)))
    gzip -1 <bare.t | tensorcat --to=npy | tail -c +129 | cmp - mixed
    for n in 1000 200000 2000000; do # cut inside and outside the first group of blocks
        head -c $n 1.t >cut
        for j in 1 3; do run -1 tensorcat -j $j --check cut; done
    done
    head -c 5 1.t >cut
    run -1 tensorcat -j 4 --check cut
    for j in 1 4; do # a reader that is left early is not waited for
        run -1 timeout 10 tensorcat -j $j --to=npy -o /dev/full < <(cat 1.t; sleep 20) # nor for input it has no need of
    done
}

@test "tensorcat: noise is stored, so that it costs no more than a few bytes a block" {
    head -c 3000000 /dev/urandom >noise
    container '{"x":{"dtype":"U8","shape":[3000000],"data_offsets":[0,3000000]}}' >s
    cat noise >>s
    tensorcat -z 12 s >s.t
    (($(stat -c %s s.t) < 3000000 + 3000000 / 65280 * 32 + 1000))
    tensorcat --to=npy s.t | tail -c +129 | cmp - noise
}

# ---- every way to be wrong

@test "tensorcat: cut at any byte, with any byte more or any bit turned, is seen, in every form" {
    tgen 1 2 3 >a.t
    tgen -n y -d BF16 -m lang=eng 4 5 >b.t
    tensorcat a.t b.t >two.t
    tensorcat -z 0 two.t >bare.t
    tensorcat -o plain.safetensors two.t
    gzip -c bare.t >zlib.t
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/tstream two.t bare.t plain.safetensors zlib.t
    head -c 400 bare.t >cut.t
    refused cut.t truncated
    head -c -28 two.t >unclosed.t
    refused unclosed.t "the closing block is missing"
    cat two.t two.t >twice.t
    refused twice.t "something follows the end frame"
    : >empty
    refused empty "the input is empty"
}

@test "tensorcat: frames that are lost, repeated or miscounted are seen" {
    tgen 1 >a.t
    tensorcat -z 0 a.t >a
    [[ $(tail -c 32 a) == '{"__metadata__":{"end":"1"}}    ' ]]
    head -c -40 a >frame0
    sed 's/"frame":"0"/"frame":"1"/' frame0 >frame1
    finish() { container "$(printf '%-32s' "{\"__metadata__\":{\"end\":\"$1\"}}")"; }
    { cat frame0 frame1; finish 2; } >good
    tensorcat --check good
    { cat frame0 frame0; finish 2; } >repeated
    refused repeated "is numbered '0'"
    { cat frame1; finish 1; } >lost
    refused lost "is numbered '1'"
    { cat frame0; finish 2; } >miscounted
    refused miscounted "the end frame counts '2' frames, but 1 came"
    { cat frame0; finish -1; } >miscounted
    refused miscounted "counts '-1'"
    finish 0 >none
    tensorcat --check none
    cat frame0 frame1 >unended
    refused unended "the end frame is missing"
    cat frame0 >unended # a plain file would end here, a stream must not
    refused unended "the end frame is missing"
}

@test "tensorcat: hostile headers are refused with a reason" {
    bad() { # WHY JSON [DATA]
        container "$2" "${3:-}" >bad.safetensors
        refused bad.safetensors "$1"
    }
    f32() { printf '{"dtype":"F32","shape":[%s],"data_offsets":[%s]}' "$1" "$2"; }
    bad "the header is no JSON object" '[]' ''
    bad "the header is no JSON object" ' {}' ''
    bad "no valid JSON" '{"a":}' ''
    bad "no valid JSON" '{} {}' ''
    bad "duplicate object key" "{\"a\":$(f32 1 0,4),\"a\":$(f32 1 0,4)}" 'aaaa'
    bad "no valid JSON" "$(printf '{"\xff":%s}' "$(f32 1 0,4)")" 'aaaa'
    bad "no valid JSON" "{\"a\\u0000\":$(f32 1 0,4)}" 'aaaa'
    bad "__metadata__ is not an object" '{"__metadata__":[]}'
    bad "__metadata__: 'a' is not text" '{"__metadata__":{"a":1}}'
    bad "__metadata__: 'a' is not text" '{"__metadata__":{"a":{"b":"c"}}}'
    bad "'a': needs dtype, shape and data_offsets" '{"a":{"dtype":"F32","shape":[1]}}' 'aaaa'
    bad "'a': needs dtype, shape and data_offsets" '{"a":7}' 'aaaa'
    bad "shape is not made of whole numbers" "{\"a\":$(f32 1.0 0,4)}" 'aaaa'
    bad "shape is not made of whole numbers" "{\"a\":$(f32 -1 0,4)}" 'aaaa'
    bad "has 9 dimensions" "{\"a\":$(f32 1,1,1,1,1,1,1,1,1 0,4)}" 'aaaa'
    bad "data_offsets are not a beginning and an end" "{\"a\":$(f32 1 4,0)}" 'aaaa'
    bad "data_offsets are not a beginning and an end" "{\"a\":$(f32 1 0,4,8)}" 'aaaa'
    bad "data_offsets are not a beginning and an end" "{\"a\":$(f32 1 -4,0)}" 'aaaa'
    bad "take 8 bytes, data_offsets say 4" "{\"a\":$(f32 2 0,4)}" 'aaaa'
    bad "take 4 bytes, data_offsets say 5" "{\"a\":$(f32 1 0,5)}" 'aaaaa'
    bad "is too large" "{\"a\":$(f32 4611686018427387904 0,0)}"
    bad "is too large" "{\"a\":$(f32 4294967296,4294967296 0,0)}"
    bad "is too large" "{\"a\":$(f32 4294967296,4294967296,0 0,0)}"
    bad "no valid JSON: too big integer" "{\"a\":$(f32 1 0,99999999999999999999)}"
    bad "the first must begin at 0" "{\"a\":$(f32 1 4,8)}" 'aaaaaaaa'
    bad "the tensor before ends at 4" "{\"a\":$(f32 1 0,4),\"b\":$(f32 1 8,12)}" 'aaaaaaaaaaaa'
    bad "the tensor before ends at 8" "{\"a\":$(f32 2 0,8),\"b\":$(f32 1 4,8)}" 'aaaaaaaa'
    bad "the tensor before ends at 4" "{\"a\":$(f32 1 0,4),\"b\":$(f32 1 0,4)}" 'aaaa'
    bad "do not fill whole bytes" '{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}' 'aa'
    bad "take 2 bytes, data_offsets say 4" '{"a":{"dtype":"U16","shape":[1],"data_offsets":[0,4]}}' 'aaaa'
    bad "truncated" "{\"a\":$(f32 2 0,8)}" 'aaaa'
    bad "truncated" "{\"a\":$(f32 1000000000000 0,4000000000000)}" 'aaaa'
    bad "no valid JSON: maximum parsing depth" "$(printf '{"a":'; printf '[%.0s' {1..5000})"
    printf '\xff\xff\xff\xff\xff\xff\xff\xff{}' >bad.safetensors
    refused bad.safetensors "not a tensor stream nor safetensors"
    printf '\x01\xe1\xf5\x05\0\0\0\0{}' >bad.safetensors # 100 000 001
    refused bad.safetensors "not a tensor stream nor safetensors"
    printf '\x00\xe1\xf5\x05\0\0\0\0{}' >bad.safetensors # 100 000 000, but not there
    refused bad.safetensors "header: truncated"
    printf 'PK\x03\x04 this is something else' >bad.safetensors
    refused bad.safetensors "not a tensor stream nor safetensors"
    head -c 1000 /dev/urandom | sed '1s/^/\x1f\x8b\x08/' >bad.safetensors
    refused bad.safetensors "compressed data"
}

@test "tensorcat: dtypes that are not read pass through untouched, and names cannot steer a terminal" {
    container '{"u":{"dtype":"U16","shape":[2],"data_offsets":[0,4]},"x":{"dtype":"ODD","shape":[7],"data_offsets":[4,9]},
"\u001b[2J\n":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[9,10]}}' 'abcdefghij' >s
    tensorcat --dtype=F32 s >s.t
    tensorcat -l s.t | cut -d, -f3-7 | head -3 | diff - <(printf '%s\n' name,dtype,shape,n,bytes u,U16,2,2,4 x,ODD,7,7,5)
    tensorcat -z 0 s.t | tail -c 50 | head -c 10 | diff - <(printf abcdefghij)
    tensorcat -l s.t | tail -2 | says 's.t,0,"?[2J\n",F8_E4M3,1,1,1'
    tensorcat -l s.t >list
    run ! grep -q $'\x1b' list
    run -1 --separate-stderr tensorcat --to=text --only=$'*2J\n' s
    [[ $stderr == "tensorcat: '?[2J?': F8_E4M3 has no text" ]]
    run -1 --separate-stderr tensorcat --to=npy --only=x s
    [[ $stderr == "tensorcat: 'x': numpy has no ODD" ]]
}

@test "tensorcat: .npy files that are cut, odd or hostile are refused with a reason" {
    good=$DATA/npy/f4.npy
    for ((n = 6; n < $(stat -c %s "$good"); n++)); do
        head -c $n "$good" >cut.npy
        ! tensorcat cut.npy >/dev/null 2>&1 || return 1
    done
    run -1 --separate-stderr tensorcat cut.npy
    [[ $stderr == "tensorcat: cut.npy: truncated in the data" ]]
    { cat "$good"; printf x; } >long.npy
    refused long.npy "something follows the data"
    bad() { # WHY DICTIONARY
        { printf '\x93NUMPY\x01\0'; printf "\\x$(printf %02x ${#2})\\0%s" "$2"; } >bad.npy
        refused bad.npy "$1"
    }
    bad "its dtype is not a single number type" "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (), }"
    bad "its dtype is none that" "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    bad "its dtype is none that" "{'descr': '<f3', 'fortran_order': False, 'shape': (), }"
    bad "its dtype is none that" "{'descr': '=f4', 'fortran_order': False, 'shape': (), }"
    bad "its header is malformed" "{'descr': '<f4', 'fortran_order': 0, 'shape': (), }"
    bad "its header is malformed" "{'descr': '<f4', 'fortran_order': False, }"
    bad "its header is malformed" "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (), }"
    bad "its header is malformed" "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}"
    bad "its shape is no tuple" "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"
    bad "its shape is no tuple" "{'descr': '<f4', 'fortran_order': False, 'shape': 3, }"
    bad "its shape is no tuple" "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }"
    bad "has more than 8 dimensions" "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }"
    bad "its shape is too large" "{'descr': '<f4', 'fortran_order': True, 'shape': (4294967296, 4294967296), }"
    bad "truncated in the data" "{'descr': '<f4', 'fortran_order': True, 'shape': (4294967296, 2), }"
    printf '\x93NUMPY\x04\0\x02\0{}' >bad.npy
    refused bad.npy "version 1 to 3"
}

# ---- the contract

@test "tensorcat: keeps the contract" {
    keeps_contract tensorcat
    tgen 1 2 3 >s.t
    run -1 --separate-stderr tensorcat -o /dev/full s.t
    [[ $stderr == "tensorcat: /dev/full: cannot write: No space left on device" ]]
    for to in stream npy text csv; do run -1 bash -c "tensorcat --to=$to s.t >/dev/full"; done
    run -1 bash -c 'tensorcat -l s.t >/dev/full'
    run -2 tensorcat --list --check s.t
    run -2 tensorcat -z 13 s.t
    run -2 tensorcat --set lang s.t
    run -2 tensorcat --set frame=7 -o plain.safetensors s.t # would be taken for a stream that is cut
    run -2 tensorcat --set lang=x,end=1 s.t
    run -1 --separate-stderr tensorcat nowhere.t
    [[ $stderr == "tensorcat: nowhere.t: cannot read: No such file or directory" ]]
    run -1 --separate-stderr tensorcat .
    [[ $stderr == "tensorcat: .: cannot read: it is a directory" ]]
    for text in '1\n' '1 2 3\n' 'a line of text\n'; do
        run -1 --separate-stderr bash -c "printf '$text' | tensorcat --list"
        [[ $stderr == "tensorcat: standard input: this is text, not a tensor stream; tensorcat --from=text reads numbers" ]]
    done
}

@test "tensorcat: an option that would do nothing, and a name that says something else, are wrong usage" {
    tgen 1 2 3 >s.t
    wrong_usage "--to does nothing with --list" tensorcat --list --to=text s.t
    wrong_usage "--output does nothing with --check" tensorcat --check -o out s.t
    wrong_usage "--dtype does nothing with --meta" tensorcat --meta --dtype=F16 s.t
    wrong_usage "--set does nothing with --to=csv" tensorcat --to=csv --set=lang=eng s.t
    wrong_usage "--compress does nothing with --to=npy" tensorcat --to=npy -z 9 s.t
    wrong_usage "--compress does nothing for a plain .safetensors file, which is not compressed" \
        tensorcat -z 9 -o z.safetensors s.t
    wrong_usage "--output: 'z.safetensors' would not be a safetensors file with --to=npy" tensorcat --to=npy -o z.safetensors s.t
    wrong_usage "--output: 'z.npy' would be a tensor stream; --to=npy makes an .npy file" tensorcat -o z.npy s.t
    wrong_usage "--set is given twice; several values are one list, as in A,B" tensorcat --set=a=1 --set=b=2 s.t
    [[ ! -e z.safetensors && ! -e z.npy ]]
    seq 3 | tensorcat --list --from=text --dtype=I8 | grep -q ,I8, # of text it says what it is
}

@test "tensorcat: --check answers 0 intact, 1 not, 2 could not tell" {
    tgen 1 2 3 >s.t
    head -c 100 s.t >cut.t
    run -0 --separate-stderr tensorcat --check s.t s.t
    [[ -z $output && -z $stderr ]]
    run -1 tensorcat --check s.t cut.t
    run -2 tensorcat --check nowhere.t
    run -2 tensorcat --check .
    run -2 tensorcat --check --no-such-option
    cp "$DATA/npy/f4.npy" .
    run -0 tensorcat --check f4.npy
}

@test "tensorcat: a writer that is killed leaves nothing; a pipe that closes is no success" {
    tgen 1 2 3 >s.t
    for signal in TERM HUP; do
        mkfifo in
        bash -c 'exec tensorcat -o out.t in' &
        pid=$!
        exec 5>in
        head -c 100 s.t >&5
        sleep 0.2
        kill -s $signal $pid
        wait $pid && return 1
        exec 5>&-
        rm in
        [[ $(ls) == s.t ]]
    done
    seq 300000 | tensorcat --from=text >big.t
    run -141 bash -o pipefail -c 'tensorcat --to=text big.t | true'
    tensorcat -z 0 -o bare.t big.t
    run -1 --separate-stderr bash -o pipefail -c 'tensorcat --to=text bare.t | { head -c 1000 >/dev/null; : >bare.t; cat >/dev/null; }'
    [[ $stderr == "tensorcat: a file was cut short while it was being read" ]]
}

@test "tensorcat: binary to a terminal is refused" {
    command -v script >/dev/null || skip "script(1) is not installed"
    tgen 1 >s.t
    run script -qec 'tensorcat s.t' /dev/null
    [[ $status == 1 && $output == *"will not write binary data to a terminal"* ]]
    run -0 script -qec 'tensorcat --to=text s.t' /dev/null
}
