# Points: bits a weight, weights/s, low, high, colour, shape, variant.
unset key
set border 3
set logscale xy
set format y '%.0s%c'
set xrange [x_low:x_high]
set yrange [y_low:y_high]
set xlabel 'bits moved for a weight' textcolor rgb ink
set ylabel 'weights/s' textcolor rgb ink
plot (bandwidth > 0 ? 8*bandwidth/x : 1/0) with lines lw 1.6 dt 2 lc rgb '#111111', \
     data using 1:2:3:4 with yerrorbars pt 0 lw 1.2 lc rgb ink, \
     data using 1:2:(int($6)%2 ? $6 : $6+1) with points pointtype variable lc rgb '#ffffff' ps 1.1, \
     data using 1:2:6:5 with points pointtype variable lc rgb variable ps 1.1
unset output
