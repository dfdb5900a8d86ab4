# Rows: y, value, low, high, colour, shape, weight of the bar (0 none), case and variant.
unset key
set border 1
set ytics scale 0
set grid xtics noytics back
set xlabel x_label textcolor rgb ink
if (reference > 0) { set arrow from first reference, graph 0 to first reference, graph 1 nohead front lc rgb '#777777' lw 1 dt 2 }
set style fill transparent solid 0.35 noborder
if (logarithmic) { set logscale x }
set xrange [x_low:x_high]
plot data using ($7 > 0 ? $2 : 1/0):1:(bar_from):2:($1-0.34):($1+0.34):5 with boxxyerror lc rgb variable, \
     data using 2:1:3:4 with xerrorbars pt 0 lw 1.4 lc rgb ink, \
     data using 2:1:(int($6)%2 ? $6 : $6+1) with points pointtype variable lc rgb '#ffffff' ps 0.9, \
     data using 2:1:6:5 with points pointtype variable lc rgb variable ps 0.9
unset output
