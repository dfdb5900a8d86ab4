# Tiles: column, row, SQNR in dB, format, tensor.  The map is that of viridis, which keeps its order in
# grey and for the colour-blind.
unset key
unset grid
set border 0
set tics scale 0
set xrange [-0.5:columns-0.5]
set yrange [rows-0.5:-0.5]
set xtics rotate by 50 right
set palette defined (0 '#440154', 0.13 '#472c7a', 0.25 '#3b518b', 0.38 '#2c718e', 0.5 '#21908d', \
                     0.63 '#27ad81', 0.75 '#5cc863', 0.88 '#aadc32', 1 '#fde725')
set cbrange [low:high]
set cblabel 'SQNR (dB)' textcolor rgb ink offset character 1.2, 0
set colorbox user origin graph 1.02, graph 0 size 14.0/width, top-bottom
set style fill solid 1 noborder
middle = (low + high) / 2
plot data using 1:2:($1-0.48):($1+0.48):($2-0.48):($2+0.48):3 with boxxyerror lc palette, \
     data using 1:2:(sprintf('%.1f', $3)):($3 > middle ? 0x000000 : 0xffffff) with labels font small textcolor rgb variable
unset output
