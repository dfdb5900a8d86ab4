# Rows: y, measured over paper, the threshold's ends over the paper's value, colour, shape.
unset key
set border 1
set ytics scale 0
set grid xtics noytics back
set logscale x 2
set xrange [x_low:x_high]
set xtics (x_low, 0.5, 0.71 , 1, 1.41, 2, x_high)
set xlabel 'measured value over the paper''s value (logarithmic)' textcolor rgb ink
set arrow from first 1, graph 0 to first 1, graph 1 nohead front lc rgb '#777777' lw 1 dt 2
set style fill solid 1 noborder
plot data using 2:1:3:4:($1-0.3):($1+0.3) with boxxyerror lc rgb '#dcdcdc', \
     data using 2:1:(int($6)%2 ? $6 : $6+1) with points pointtype variable lc rgb '#ffffff' ps 1.1, \
     data using 2:1:6:5 with points pointtype variable lc rgb variable ps 1.1
unset output
